"""Open loop: requests leave when they are due, however slow the answers are.

Locust's own users wait for an answer before they send again, so a stalled server slows its own load down and most
of the harm goes unmeasured ("coordinated omission", Gil Tene). Here one Locust user is one Poisson stream: N users at
rate r are together a Poisson process of rate N * r, so "users" in the page, and the users of a load shape, set the
arrival rate.
"""

from collections.abc import Iterator
from time import monotonic

from locust import User, task

from loadtests.streams import Arrival, Routes
from loadtests.traffic import Traffic
from rulezero.experiment import Keys

_LOOK_S = 1.0


class OpenLoopUser(User):
    """One seeded Poisson stream; latency counts from the instant a request was due."""

    abstract = True
    routes: Routes
    route: str
    rate_rps = 1.0
    deadline_s = 1.0
    keys = Keys()

    def start_stream(self) -> tuple[Traffic, Iterator[Arrival]]:
        """Return where to send and what."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Take up the stream."""
        self._traffic, self._arrivals = self.start_stream()
        self._next = next(self._arrivals, None)

    @task
    def arrive(self) -> None:
        """Send what is due; `wait_time` sleeps until the next one is."""
        if self._next is not None and self._next.due_s <= monotonic():
            self._traffic.offer(self._next)
            self._next = next(self._arrivals, None)

    def wait_time(self) -> float:
        """Return the seconds until the next arrival; at most 1, so that an ended stream idles cheaply."""
        if self._next is None:
            return _LOOK_S
        return min(max(0.0, self._next.due_s - monotonic()), _LOOK_S)
