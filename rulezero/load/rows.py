"""One row per request, as a line of text: what the generator writes and everything later is computed from."""

import re
from dataclasses import dataclass, fields
from typing import Literal

from rulezero.outcome import Outcome

Kind = Literal["stream", "burst", "closed"]

_REFUSALS = (429, 503)
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One request, as the user saw it.

    `intended_s` and `sent_s` count from the start of the load, `latency_ms` from the intended send. A request
    that was never sent has its decision's instant as `sent_s` and status 0; status 0 otherwise means no answer.
    """

    intended_s: float
    sent_s: float
    latency_ms: float
    route: str
    key: int
    priority: str
    phase: str
    outcome: Outcome
    status: int
    attempts: int
    operation_id: str
    trace_id: str
    kind: Kind

    @property
    def ended_s(self) -> float:
        """Return when the request ended, in seconds since the start of the load."""
        return self.intended_s + self.latency_ms / 1000

    @property
    def line(self) -> str:
        """Return the row as one line of CSV; no field needs quoting (`LoadPlan` sees to the routes)."""
        return (
            f"{self.intended_s:.6f},{self.sent_s:.6f},{self.latency_ms:.3f},{self.route},{self.key},{self.priority},"
            f"{self.phase},{self.outcome.value},{self.status},{self.attempts},{self.operation_id},{self.trace_id},"
            f"{self.kind}\n"
        )


COLUMNS = tuple(field.name for field in fields(Row))
HEADER = ",".join(COLUMNS) + "\n"
REPORT_COLUMNS = ("t_s", "scheduled", "sent", "dropped", "in_flight", "send_lag_max_ms", "cpu_s")
REPORT_HEADER = ",".join(REPORT_COLUMNS) + "\n"
ROUTE_PATTERN = re.compile(r"[A-Za-z0-9_./-]{1,64}")


def parse(line: str) -> Row | None:
    """Return the row that a complete line holds; None for the header or a line that is not a row."""
    values = line.rstrip("\n").split(",")
    if len(values) != len(COLUMNS) or values[0] == COLUMNS[0]:
        return None
    text = dict(zip(COLUMNS, values, strict=True))
    try:
        return Row(
            intended_s=float(text["intended_s"]),
            sent_s=float(text["sent_s"]),
            latency_ms=float(text["latency_ms"]),
            route=text["route"],
            key=int(text["key"]),
            priority=text["priority"],
            phase=text["phase"],
            outcome=Outcome(text["outcome"]),
            status=int(text["status"]),
            attempts=int(text["attempts"]),
            operation_id=text["operation_id"],
            trace_id=text["trace_id"],
            kind=text["kind"],  # type: ignore[arg-type]  # Written by `Row.line`, which has only these.
        )
    except ValueError:
        return None


def answer_outcome(status: int, told: str | None) -> Outcome:
    """Return the outcome of an answer from its status and its `X-Outcome` header.

    A success is a success whatever the header says, and a failure is never one.
    """
    if 200 <= status < 300:
        return Outcome.OK
    outcome = _OUTCOMES.get(told or "")
    if outcome is not None and outcome is not Outcome.OK:
        return outcome
    return Outcome.REJECTED if status in _REFUSALS else Outcome.ERROR
