"""What became of a request: one row for the record, one event for Locust's own page, and its series for Prometheus."""

from collections.abc import Callable
from time import monotonic

from locust.env import Environment

from loadtests.exported import Exported
from loadtests.row_log import RowLog
from loadtests.streams import Arrival
from rulezero.load.rows import Row
from rulezero.outcome import CallError, Failed, NotSent, Outcome, Rejected, TimedOut

_EXCEPTIONS: dict[Outcome, type[CallError]] = {
    Outcome.TIMEOUT: TimedOut,
    Outcome.REJECTED: Rejected,
    Outcome.NOT_SENT: NotSent,
}


class Recorder:
    """Records requests as they end.

    `origin_s` is time 0 of the rows on the monotonic clock; `phase_at` names the phase of an instant after it.
    """

    def __init__(
        self,
        environment: Environment,
        rows: RowLog | None,
        phase_at: Callable[[float], str] = lambda _: "",
        *,
        exported: Exported | None = None,
    ) -> None:
        self.origin_s = monotonic()
        self._request_event = environment.events.request
        self._rows = rows
        self._phase_at = phase_at
        self._exported = exported

    def arrived(self, arrival: Arrival) -> None:
        """Take a request that is due."""
        if self._exported is not None:
            self._exported.arrived(arrival)

    def left(self, lag_s: float) -> None:
        """Take a send that came so long after its instant."""
        if self._exported is not None:
            self._exported.left(lag_s)

    def drop(self, arrival: Arrival, at_s: float) -> None:
        """Take a request that is not sent, by a decision of this instant."""
        if self._exported is not None:
            self._exported.dropped(arrival)
        self.record(arrival, at_s, Outcome.NOT_SENT)

    def record(
        self, arrival: Arrival, sent_s: float, outcome: Outcome, *, trace_id: str = "", status: int = 0, length: int = 0
    ) -> None:
        """Take a request that ends now."""
        latency_ms = (monotonic() - arrival.due_s) * 1000
        if self._exported is not None:
            self._exported.ended(arrival, outcome, latency_ms, trace_id)
        if self._rows is not None:
            intended_s = arrival.due_s - self.origin_s
            row = Row(
                intended_s=intended_s,
                sent_s=sent_s - self.origin_s,
                latency_ms=latency_ms,
                route=arrival.route,
                key=arrival.key,
                priority="normal",
                phase=self._phase_at(intended_s),
                outcome=outcome,
                status=status,
                attempts=1,
                operation_id=arrival.operation_id,
                trace_id=trace_id,
                kind=arrival.kind,
            )
            self._rows.add(row.line)
        self._request_event.fire(  # type: ignore[no-untyped-call]  # Locust's hooks carry no types.
            request_type=arrival.request.method,
            name=arrival.route,
            response_time=latency_ms,
            response_length=length,
            exception=None if outcome is Outcome.OK else _EXCEPTIONS.get(outcome, Failed)(outcome.value),
            context={},
        )

    def flush(self) -> None:
        """Write the rows made so far."""
        if self._rows is not None:
            self._rows.flush()

    def close(self) -> None:
        """Write the rest and close the file."""
        if self._rows is not None:
            self._rows.close()
