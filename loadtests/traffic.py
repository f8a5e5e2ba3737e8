"""Requests on their way: the in-flight cap, the deadline, the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import gevent
from gevent.socket import socket

from loadtests.connections import BROKEN, Connections
from loadtests.recorder import Recorder
from loadtests.streams import Arrival
from loadtests.tracing import Trace, Traces
from rulezero.load.rows import answer_outcome
from rulezero.outcome import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """A request on its way, and the connection its answer comes on."""

    arrival: Arrival
    sent_s: float
    trace: Trace
    connection: socket


@dataclass(kw_only=True, slots=True)
class Counts:
    """What the generator says about itself; `lag_max_s` since somebody last set it to 0."""

    sent: int = 0
    dropped: int = 0
    in_flight: int = 0
    lag_max_s: float = 0.0


class Traffic:
    """Sends arrivals to one host (address, port)."""

    def __init__(self, target: tuple[str, int], *, traces: Traces, recorder: Recorder, in_flight_max: int) -> None:
        self.connections = Connections(*target)
        self.counts = Counts()
        self._host = f"{target[0]}:{target[1]}"
        self._traces = traces
        self._recorder = recorder
        self._in_flight_max = in_flight_max

    def offer(self, arrival: Arrival) -> None:
        """Send without waiting for the answer. Beyond the cap the arrival is counted and recorded as not sent."""
        if self._admit(arrival):
            gevent.spawn(self._perform_admitted, arrival)

    def offer_together(self, arrivals: Sequence[Arrival]) -> None:
        """Send all in one go, before any answer is looked at, so that they leave as close together as can be."""
        departures = [self._depart(arrival) for arrival in arrivals if self._admit(arrival)]
        for departure in departures:
            gevent.spawn(self._land_admitted, departure)

    def perform(self, arrival: Arrival) -> None:
        """Send, and wait for the answer until the deadline, which counts from the instant the arrival was due."""
        self._recorder.arrived(arrival)
        self._perform(arrival)

    def close(self) -> None:
        """Close the idle connections and export the last spans."""
        self.connections.close()
        self._traces.close()

    def _admit(self, arrival: Arrival) -> bool:
        self._recorder.arrived(arrival)
        if self.counts.in_flight >= self._in_flight_max:
            self.counts.dropped += 1
            self._recorder.drop(arrival, monotonic())
            return False
        self.counts.in_flight += 1
        return True

    def _perform_admitted(self, arrival: Arrival) -> None:
        try:
            self._perform(arrival)
        finally:
            self.counts.in_flight -= 1

    def _land_admitted(self, departure: Departure | None) -> None:
        try:
            if departure is not None:
                self._land(departure)
        finally:
            self.counts.in_flight -= 1

    def _perform(self, arrival: Arrival) -> None:
        departure = self._depart(arrival)
        if departure is not None:
            self._land(departure)

    def _depart(self, arrival: Arrival) -> Departure | None:
        """Send; what cannot be sent is recorded at once."""
        sent_s = monotonic()
        left_s = arrival.due_s + arrival.deadline_s - sent_s
        lag_s = sent_s - arrival.due_s
        self.counts.lag_max_s = max(self.counts.lag_max_s, lag_s)
        self._recorder.left(lag_s)
        if left_s <= 0:
            # Its user gave up before the generator got to it: the generator's failure, not the system's.
            self.counts.dropped += 1
            self._recorder.drop(arrival, sent_s)
            return None
        self.counts.sent += 1
        trace = self._traces.begin(arrival.route, arrival.request.method, sampled=arrival.sampled)
        try:
            connection = self.connections.send(self._bytes(arrival, left_s, trace.parent), left_s)
        except OSError as error:
            outcome = Outcome.TIMEOUT if isinstance(error, TimeoutError) else Outcome.ERROR
            trace.end(status=0, outcome=outcome)
            self._recorder.record(arrival, sent_s, outcome, trace_id=trace.trace_id)
            return None
        return Departure(arrival=arrival, sent_s=sent_s, trace=trace, connection=connection)

    def _land(self, departure: Departure) -> None:
        """Wait for the answer and record it."""
        arrival, trace = departure.arrival, departure.trace
        left_s = arrival.due_s + arrival.deadline_s - monotonic()
        outcome, status, length = self._answer(departure.connection, max(0.0, left_s))
        trace.end(status=status, outcome=outcome)
        self._recorder.record(arrival, departure.sent_s, outcome, trace_id=trace.trace_id, status=status, length=length)

    def _answer(self, connection: socket, timeout_s: float) -> tuple[Outcome, int, int]:
        timeout = gevent.Timeout.start_new(timeout_s)
        try:
            status, told, length = self.connections.receive(connection)
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
        headers = dict(request.headers)
        host = headers.pop("Host", self._host)  # An own service is asked by its own name, not by that of its link.
        if request.body:
            headers = {"Content-Type": "application/json", **headers, "Content-Length": str(len(request.body))}
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"{request.method} {request.path} HTTP/1.1\r\nHost: {host}\r\nX-Deadline-Ms: {left_s * 1000:.0f}\r\n"
            f"X-Operation-Id: {arrival.operation_id}\r\ntraceparent: {traceparent}\r\n{more}\r\n"
        )
        return head.encode() + request.body
