"""Closed loop, for contrast: a user waits for the answer, thinks, and only then sends again.

N users can never have more than N requests in flight and send at most N / (response time + think time) a second, so
the load falls exactly when the system is in trouble.
"""

from collections.abc import Iterator
from time import monotonic

from locust import User, task

from loadtests.streams import Arrival, Routes
from loadtests.traffic import Traffic
from rulezero.experiment import Keys


class ClosedLoopUser(User):
    """One user who waits; latency counts from the actual send, as most load tools count it."""

    abstract = True
    routes: Routes
    route: str
    deadline_s = 1.0
    keys = Keys()

    def start_asking(self) -> tuple[Traffic, Iterator[int], Iterator[str]]:
        """Return where to send, the keys to ask for, and operation ids."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Prepare what to ask for."""
        self._traffic, self._keys, self._operation_ids = self.start_asking()

    @task
    def ask(self) -> None:
        """Send one request and wait for its answer."""
        key, operation_id = next(self._keys), next(self._operation_ids)
        self._traffic.perform(
            Arrival(
                due_s=monotonic(),
                route=self.route,
                key=key,
                request=self.routes[self.route](key, operation_id),
                deadline_s=self.deadline_s,
                operation_id=operation_id,
                sampled=False,
                kind="closed",
            )
        )
