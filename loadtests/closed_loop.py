"""Closed loop, for contrast: a user waits for the answer, thinks, and only then sends again.

N users can never have more than N requests in flight and send at most N / (response time + think time) a second, so
the load falls exactly when the system is in trouble.
"""

from time import monotonic

from locust import User, constant, task

from loadtests.streams import Routes
from loadtests.traffic import Arrival, Traffic
from rulezero.experiment import Keys
from rulezero.load.schedule import keys, operation_ids


class ClosedLoopUser(User):
    """One user who waits; latency counts from the actual send, as most load tools count it."""

    abstract = True
    routes: Routes = {}
    route = ""
    deadline_s = 1.0
    keys = Keys()
    wait_time = constant(1.0)

    def start_traffic(self) -> tuple[Traffic, int, str]:
        """Return where to send, the seed, and a name of this user alone."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Prepare what to ask for."""
        self._traffic, seed, name = self.start_traffic()
        self._keys = keys(seed, name, self.keys)
        self._operation_ids = operation_ids(f"closed:{seed}:{self._traffic.origin_s}", name)

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
