"""One arm that went well, the ways to spoil it, and what the validity checks say of it."""

from collections.abc import Callable
from typing import Any

from rulezero.analysis.validity import Observed, Validity, examine
from rulezero.experiment import Arm, Durations, Experiment
from rulezero.faults import Fault, Signature, Statement, Toxic
from tests.analysis.frames import generator, manifest, metrics, rows, sample, spans, steady

OUTCOMES = "dependency_outcomes_total"
LABELS = {"link": "checkout-payment", "outcome": "ok"}
LABELS_TEXT = 'dependency="payment",link="checkout-payment",outcome="ok"'
HANGS = Toxic(
    link="checkout-payment", type="timeout", signature=Signature(metric=OUTCOMES, labels=LABELS, ratio_max=0.2)
)
BURST = {"route": "browse", "at_s": 1.0, "count": 10, "key": 2, "deadline_s": 6.0}
BURST_AT_S = 6.0
NAMES = (
    "generator_shortfall", "send_lag_ms_p99", "healthy_baseline", "cores_busy", "cores_busy_peak", "busiest_process",
    "event_loop_lag_ms_p95", "scrapes", "spans", "fault_on_time", "fault_proof",
)  # fmt: skip

Samples = list[dict[str, Any]]


def experiment(*faults: Fault) -> Experiment:
    return Experiment(
        name="sample", question="?", prediction=".", streams=(), arms=(Arm(name="none"),), demo_arms=(), faults=faults,
        checks=(), durations=Durations(warmup_s=1, baseline_s=4, fault_s=4, hold_s=10),
    )  # fmt: skip


def healthy() -> Samples:
    """Return nineteen seconds of a run in which the fault stopped the answers of payment."""
    samples: Samples = []
    for second in range(1, 20):
        at_s = second - 0.3
        for process in ("edge", "catalog-1"):
            samples.append(sample(at_s, "event_loop_lag_seconds", 0.002, process=process))
        samples.append(sample(at_s, "machine_cores_busy", 0.8, process="machine"))
        for part, busy in (("edge", 0.4), ("toxiproxy", 0.2)):
            samples.append(sample(at_s, "machine_process_cores", busy, f'part="{part}"', process="machine"))
        samples.append(sample(at_s, OUTCOMES, 10.0 * min(at_s, 5) + 10.0 * max(0.0, at_s - 9), LABELS_TEXT))
    return samples


def lasted(*faults: Fault, start_s: float = 5.0, end_s: float | None = 9.0, arm: str = "none") -> list[dict[str, Any]]:
    """Return what the manifest says of lasting faults, by default that they came and went on time."""
    return [
        {"arm": arm, "kind": "lasting", "text": fault.text, "start_s": start_s, "end_s": end_s}
        for fault in faults
        if isinstance(fault, Toxic | Statement)
    ]


def observed(
    requests: list[dict[str, Any]] | None = None,
    samples: Samples | None = None,
    *,
    scheduled: int | None = None,
    received: int = 1,
) -> Observed:
    requests = steady() if requests is None else requests
    return Observed(
        arm="none",
        rows=rows(*requests),
        metrics=metrics(*(healthy() if samples is None else samples)),
        spans=spans(received),
        generator=generator(len(requests) if scheduled is None else scheduled),
    )


def examined(
    requests: list[dict[str, Any]] | None = None,
    samples: Samples | None = None,
    *,
    faults: tuple[Fault, ...] = (HANGS,),
    scheduled: int | None = None,
    received: int = 1,
    faults_recorded: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> dict[str, Validity]:
    seen = observed(requests, samples, scheduled=scheduled, received=received)
    recorded = lasted(*faults) if faults_recorded is None else faults_recorded
    found = examine(experiment(*faults), seen, manifest(**{"faults": recorded} | changes))
    return {one.name: one for one in found}


def not_ok(found: dict[str, Validity]) -> set[str]:
    return {one.name for one in found.values() if not one.ok}


def changed(name: str, change: Callable[[dict[str, Any]], float]) -> Samples:
    return [{**one, "value": change(one)} if one["name"] == name else one for one in healthy()]
