"""Closed loop, for contrast: a user waits for the answer, thinks, and only then sends again.

N users can never have more than N requests in flight and send at most N / (response time + think time) a second, so
the load falls exactly when the system is in trouble. Latency counts from the actual send, as most load tools count it.
"""

from collections.abc import Iterator
from time import monotonic

import gevent
from locust import User, task

from loadtests.streams import Arrival, Routes
from loadtests.traffic import Traffic
from rulezero.experiment import Keys


class ClosedLoopUser(User):
    """One user who waits."""

    abstract = True
    routes: Routes
    route: str
    deadline_s = 1.0
    keys = Keys()

    def start_asking(self) -> tuple[Traffic, Iterator[Arrival]]:
        """Return where to send, and what."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Prepare what to ask for."""
        self._traffic, self._arrivals = self.start_asking()

    @task
    def ask(self) -> None:
        """Send one request and wait for its answer."""
        self._traffic.perform(next(self._arrivals))


def ask_until(end_s: float, traffic: Traffic, arrivals: Iterator[Arrival], *, think_s: float) -> None:
    """Be one user who waits, up to this instant of the monotonic clock."""
    while monotonic() < end_s:
        traffic.perform(next(arrivals))
        gevent.sleep(max(0.0, min(think_s, end_s - monotonic())))
