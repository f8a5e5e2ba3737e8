"""Requests on their way: the in-flight cap, the deadline, the row, Locust's statistics."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import gevent
from locust.env import Environment

from loadtests.connections import BROKEN, Connections
from loadtests.row_log import RowLog
from loadtests.tracing import Traces
from rulezero.load.rows import Kind, Row, answer_outcome
from rulezero.outcome import CallError, Failed, NotSent, Outcome, Rejected, TimedOut

_EXCEPTIONS: dict[Outcome, type[CallError]] = {
    Outcome.TIMEOUT: TimedOut,
    Outcome.REJECTED: Rejected,
    Outcome.NOT_SENT: NotSent,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a route asks of the server."""

    method: str
    path: str
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One request and the instant (monotonic clock, seconds) at which it is due."""

    due_s: float
    route: str
    key: int
    request: Request
    deadline_s: float
    operation_id: str
    sampled: bool
    kind: Kind


@dataclass(kw_only=True, slots=True)
class Counts:
    """What the generator says about itself; `lag_max_s` since somebody last set it to 0."""

    sent: int = 0
    dropped: int = 0
    in_flight: int = 0
    lag_max_s: float = 0.0


class Traffic:
    """Sends arrivals to one host.

    `origin_s` is time 0 of the rows on the monotonic clock; `phase_at` names the phase of an instant after it.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        target: tuple[str, int],
        traces: Traces,
        in_flight_max: int,
        rows: RowLog | None = None,
        phase_at: Callable[[float], str] = lambda _: "",
    ) -> None:
        self.connections = Connections(*target)
        self.counts = Counts()
        self.origin_s = monotonic()
        self._host = f"{target[0]}:{target[1]}"
        self._request_event = environment.events.request
        self._traces = traces
        self._in_flight_max = in_flight_max
        self._rows = rows
        self._phase_at = phase_at

    def offer(self, arrival: Arrival) -> None:
        """Send without waiting for the answer. Beyond the cap the arrival is counted and recorded as not sent."""
        if self.counts.in_flight >= self._in_flight_max:
            self.counts.dropped += 1
            self._record(arrival, monotonic(), "", Outcome.NOT_SENT)
            return
        self.counts.in_flight += 1
        gevent.spawn(self._perform_counted, arrival)

    def perform(self, arrival: Arrival) -> None:
        """Send, and wait for the answer until the deadline, which counts from the instant the arrival was due."""
        sent_s = monotonic()
        left_s = arrival.due_s + arrival.deadline_s - sent_s
        self.counts.lag_max_s = max(self.counts.lag_max_s, sent_s - arrival.due_s)
        if left_s <= 0:
            self._record(arrival, sent_s, "", Outcome.TIMEOUT)
            return
        self.counts.sent += 1
        method = arrival.request.method
        traceparent, trace_id, span = self._traces.begin(arrival.route, method, sampled=arrival.sampled)
        outcome, status, length = self._exchange(self._bytes(arrival, left_s, traceparent), left_s)
        if span is not None:
            self._traces.end(span, status=status, outcome=outcome)
        self._record(arrival, sent_s, trace_id, outcome, status, length)

    def flush(self) -> None:
        """Write the rows made so far."""
        if self._rows is not None:
            self._rows.flush()

    def close(self) -> None:
        """Write everything and close everything."""
        self.connections.close()
        if self._rows is not None:
            self._rows.close()
        self._traces.close()

    def _perform_counted(self, arrival: Arrival) -> None:
        try:
            self.perform(arrival)
        finally:
            self.counts.in_flight -= 1

    def _exchange(self, request: bytes, left_s: float) -> tuple[Outcome, int, int]:
        timeout = gevent.Timeout.start_new(left_s)
        try:
            status, told, length = self.connections.exchange(request)
        except gevent.Timeout as fired:
            if fired is not timeout:
                raise
            return Outcome.TIMEOUT, 0, 0
        except BROKEN:
            return Outcome.ERROR, 0, 0
        finally:
            timeout.close()
        return answer_outcome(status, told), status, length

    def _bytes(self, arrival: Arrival, left_s: float, traceparent: str) -> bytes:
        request = arrival.request
        body = (
            f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n" if request.body else ""
        )
        head = (
            f"{request.method} {request.path} HTTP/1.1\r\nHost: {self._host}\r\nX-Deadline-Ms: {left_s * 1000:.0f}\r\n"
            f"X-Operation-Id: {arrival.operation_id}\r\ntraceparent: {traceparent}\r\n{body}\r\n"
        )
        return head.encode() + request.body

    def _record(
        self, arrival: Arrival, sent_s: float, trace_id: str, outcome: Outcome, status: int = 0, length: int = 0
    ) -> None:
        latency_ms = (monotonic() - arrival.due_s) * 1000
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
        self._request_event.fire(
            request_type=arrival.request.method,
            name=arrival.route,
            response_time=latency_ms,
            response_length=length,
            exception=None if outcome is Outcome.OK else _EXCEPTIONS.get(outcome, Failed)(outcome.value),
            context={},
        )
