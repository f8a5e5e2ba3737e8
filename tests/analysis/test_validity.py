"""Validity: each check fails by itself and only for its own reason; what was not recorded is never well."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from rulezero.analysis.validity import EXPIRY_SHOWS_WITHIN_S, SETTLE_AFTER_BURST_S, Observed, Validity, examine
from rulezero.experiment import Arm, Durations, Experiment
from rulezero.faults import CacheExpiry, Fault, Signature, Toxic
from tests.analysis.frames import generator, manifest, metrics, row, rows, sample, spans, steady

OUTCOMES = "dependency_outcomes_total"
LABELS = {"link": "checkout-payment", "outcome": "ok"}
LABELS_TEXT = 'dependency="payment",link="checkout-payment",outcome="ok"'
HANGS = Toxic(
    link="checkout-payment", type="timeout", signature=Signature(metric=OUTCOMES, labels=LABELS, ratio_max=0.2)
)
BURST = {"route": "browse", "at_s": 1.0, "count": 10, "key": 2, "deadline_s": 6.0}
BURST_AT_S = 6.0
NAMES = (
    "generator_shortfall", "send_lag_ms_p99", "healthy_baseline", "cores_busy", "busiest_process",
    "event_loop_lag_ms_p95", "scrapes", "spans", "fault_proof",
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
    found = examine(experiment(*faults), seen, manifest(**{"faults": faults_recorded or []} | changes))
    return {one.name: one for one in found}


def not_ok(found: dict[str, Validity]) -> set[str]:
    return {one.name for one in found.values() if not one.ok}


def changed(name: str, change: Callable[[dict[str, Any]], float]) -> Samples:
    return [{**one, "value": change(one)} if one["name"] == name else one for one in healthy()]


def test_a_healthy_run_passes_every_check() -> None:
    """Each check is there, names its arm and says its numbers."""
    found = examined()
    assert tuple(found) == NAMES
    assert not_ok(found) == set()
    assert {one.arm for one in found.values()} == {"none"}
    assert found["cores_busy"].text == "0.80 of 2 cores were busy (limit 1.5)"


@pytest.mark.parametrize(("dropped", "ok"), [(0, True), (1, True), (2, False)])
def test_shortfall(dropped: int, *, ok: bool) -> None:
    """At 76 arrivals one dropped is 1.3 %, two are 2.6 %: over the limit of 2 %."""
    requests = steady()
    for request in requests[:dropped]:
        request.update(outcome="not_sent", status=0)
    found = examined(requests)
    assert found["generator_shortfall"].measured == pytest.approx(dropped / len(requests))
    assert not_ok(found) == (set() if ok else {"generator_shortfall"})


def test_shortfall_of_arrivals_without_a_row() -> None:
    """Arrivals that were scheduled and left no row were not sent either."""
    assert not_ok(examined(scheduled=len(steady()) + 8)) == {"generator_shortfall"}


def test_more_rows_than_scheduled_is_no_shortfall() -> None:
    """The generator's last word may be a moment older than its last row."""
    assert examined(scheduled=len(steady()) - 8)["generator_shortfall"].measured == 0.0


def test_late_sends() -> None:
    """Two of 76 sent 80 ms late: the 99th percentile is over 50 ms."""
    requests = steady()
    for request in requests[30:32]:
        request["sent_s"] = request["intended_s"] + 0.08
    found = examined(requests)
    assert not_ok(found) == {"send_lag_ms_p99"}
    assert "ms late (limit 50)" in found["send_lag_ms_p99"].text


def test_lateness_near_a_burst_is_its_own_check() -> None:
    """A thousand requests at once make the stream late for a while; only the burst itself is judged then."""
    near = [row(BURST_AT_S + 0.1 * number, sent_s=BURST_AT_S + 0.1 * number + 1) for number in range(20)]
    crowd = [row(BURST_AT_S, sent_s=BURST_AT_S + 0.2, kind="burst") for _ in range(10)]
    found = examined(steady() + near + crowd, bursts=[BURST])
    assert not_ok(found) == set()
    assert found["burst_spread_ms_p99"].measured == pytest.approx(200)
    after_s = BURST_AT_S + SETTLE_AFTER_BURST_S + 0.1
    assert not_ok(examined([*steady(), *crowd, *(row(after_s, sent_s=after_s + 1) for _ in near)], bursts=[BURST])) == {
        "send_lag_ms_p99"
    }


def test_a_burst_that_trickles_is_no_burst() -> None:
    """Spread over more than 1.5 s."""
    crowd = [row(BURST_AT_S, sent_s=BURST_AT_S + 0.2 * number, kind="burst") for number in range(10)]
    assert not_ok(examined(steady() + crowd, bursts=[BURST])) == {"burst_spread_ms_p99"}


def test_a_burst_that_was_never_sent() -> None:
    """Planned, but there is no row of it."""
    found = examined(bursts=[BURST])
    assert not_ok(found) == {"burst_spread_ms_p99"}
    assert found["burst_spread_ms_p99"].measured is None


@pytest.mark.parametrize(("bad", "ok"), [(0, True), (1, True), (2, False), (16, False)])
def test_a_baseline_that_was_not_well(bad: int, *, ok: bool) -> None:
    """5 % may fail before the fault: of 20 requests one, not two; nor is a system that never worked compared."""
    requests = [*steady(), *(row(3.0) for _ in range(4))]
    for request in [one for one in requests if one["phase"] == "baseline"][:bad]:
        request.update(outcome="error", status=500)
    found = examined(requests)
    assert not_ok(found) == (set() if ok else {"healthy_baseline"})
    assert found["healthy_baseline"].measured == pytest.approx(1 - bad / 20)


def test_late_answers_are_not_well_and_other_phases_do_not_count() -> None:
    """Ok after the deadline is as bad; what happens in the warm-up, the fault or after it is another matter."""
    assert not_ok(examined(steady(latency_ms=1500.0))) == {"healthy_baseline"}
    elsewhere = steady()
    for request in elsewhere:
        if request["phase"] != "baseline":
            request["outcome"] = "error"
    assert not_ok(examined(elsewhere)) == set()


def test_a_run_without_spans() -> None:
    """Traces are part of the record: one that lost them all is not to be believed."""
    found = examined(received=0)
    assert not_ok(found) == {"spans"}
    assert (found["spans"].measured, found["spans"].text) == (0, "0 spans were received (at least 1)")
    assert examined(received=3)["spans"].measured == 3


def test_a_process_at_the_end_of_its_core() -> None:
    """The mean of the busiest, whichever it is, over the measured phases; the machine as a whole has room."""
    warm_up = changed("machine_process_cores", lambda one: 1.0 if one["t_s"] < 1 else 0.5)
    assert not_ok(examined(samples=warm_up)) == set()
    full = changed("machine_process_cores", lambda one: 0.9 if "toxiproxy" in one["labels"] else 0.1)
    found = examined(samples=full)
    assert not_ok(found) == {"busiest_process"}
    assert found["busiest_process"].text == "toxiproxy used 0.90 cores (limit 0.8)"


def test_cores() -> None:
    """Three quarters of the cores, on average over the measured phases; the warm-up does not count."""
    busy = changed("machine_cores_busy", lambda one: 2.0 if one["t_s"] < 1 else 1.45)
    assert not_ok(examined(samples=busy)) == set()
    assert not_ok(examined(samples=changed("machine_cores_busy", lambda _: 1.55))) == {"cores_busy"}


def test_event_loop_lag() -> None:
    """Ten of 38 samples over 100 ms: a service's event loop was blocked."""
    blocked = changed("event_loop_lag_seconds", lambda one: 0.3 if 10 < one["t_s"] < 15 else 0.002)
    assert not_ok(examined(samples=blocked)) == {"event_loop_lag_ms_p95"}
    crowd = [row(BURST_AT_S, kind="burst")]
    for start_s in (BURST_AT_S, BURST_AT_S + 6):  # When it comes, and when those still waiting give up.
        near = [
            {**one, "value": 0.3}
            if one["name"] == "event_loop_lag_seconds" and start_s < one["t_s"] < start_s + SETTLE_AFTER_BURST_S
            else one
            for one in healthy()
        ]
        assert not_ok(examined(steady() + crowd, near)) == {"event_loop_lag_ms_p95"}
        assert not_ok(examined(steady() + crowd, near, bursts=[BURST])) == set()


def test_one_service_that_lags_is_not_hidden_by_the_others() -> None:
    """Two of 18 seconds of one are a ninth of its own, though only an eighteenth of all; it is named."""
    blocked = changed(
        "event_loop_lag_seconds",
        lambda one: 0.3 if one["process"] == "catalog-1" and 10 < one["t_s"] < 12 else 0.002,
    )
    found = examined(samples=blocked)
    assert "catalog-1" in found["event_loop_lag_ms_p95"].text
    assert not_ok(found) == {"event_loop_lag_ms_p95"}


def test_missing_scrapes() -> None:
    """A process that was not seen for three of 19 seconds."""
    gaps = [one for one in healthy() if one["process"] != "catalog-1" or not 10 < one["t_s"] < 13]
    found = examined(samples=gaps)
    assert not_ok(found) == {"scrapes"}
    assert found["scrapes"].text == "catalog-1 was scraped 16 times in 19 s"


def test_a_process_that_was_never_scraped() -> None:
    """Zero scrapes are not overlooked."""
    assert not_ok(examined(processes=["edge", "catalog-1", "payment"])) == {"scrapes"}


def test_scrapes_after_the_end_do_not_make_up_for_gaps() -> None:
    """The seconds in which the last answers are waited for are no part of the run."""
    gaps = [one for one in healthy() if one["process"] != "catalog-1" or not 10 < one["t_s"] < 13]
    later = [sample(20.0 + number, "event_loop_lag_seconds", 0.0, process="catalog-1") for number in range(5)]
    assert not_ok(examined(samples=gaps + later)) == {"scrapes"}


def test_a_fault_that_left_no_trace() -> None:
    """Payment answered on, so nothing was broken."""
    went_on = changed(OUTCOMES, lambda one: 10.0 * one["t_s"])
    found = examined(samples=went_on)
    assert not_ok(found) == {"fault_proof"}
    assert "went to 100% of its baseline rate (limit 0.2)" in found["fault_proof"].text


def test_a_fault_is_not_proven_by_a_metric_that_never_moved() -> None:
    """Neither a missing metric nor one of another link shows anything."""
    without = [one for one in healthy() if one["name"] != OUTCOMES]
    elsewhere = [{**one, "labels": one["labels"].replace("payment", "other")} for one in healthy()]
    for samples in (without, elsewhere):
        found = examined(samples=samples)
        assert not_ok(found) == {"fault_proof"}
        assert "did not move in the baseline" in found["fault_proof"].text


@pytest.mark.parametrize(
    ("signature", "ok"),
    [
        (Signature(metric="loads_total", ratio_min=2.0), True),
        (Signature(metric="loads_total", ratio_min=2.1), False),
        (Signature(metric="loads_total", ratio_max=2.0), True),
        (Signature(metric="loads_total", ratio_max=1.9), False),
    ],
)
def test_each_kind_of_proof(signature: Signature, *, ok: bool) -> None:
    """4 in the baseline, 8 in a fault of the same length: grew by 8, to twice the rate."""
    loads = [sample(0.9, "loads_total", 1), sample(4.9, "loads_total", 5), sample(8.9, "loads_total", 13)]
    fault = Toxic(link="checkout-payment", type="timeout", signature=signature)
    assert examined(samples=healthy() + loads, faults=(fault,))["fault_proof"].ok is ok


def expires(*at_s: float, arm: str = "none", kind: str = "expiry") -> list[dict[str, Any]]:
    return [{"arm": arm, "kind": kind, "start_s": one} for one in at_s]


def loads(*at_s: float) -> Samples:
    """Return a counter that starts at 7, is read twice a second and grew by two just before each of these times."""
    return [sample(half / 2, "loads_total", 7.0 + 2 * sum(one < half / 2 for one in at_s)) for half in range(2, 38)]


@pytest.mark.parametrize(
    ("grows", "recorded", "ok"),
    [
        ((5.6, 7.6), expires(5.5, 7.5), True),
        ((5.6,), expires(5.5, 7.5), False),  # The second left no trace.
        ((7.6,), expires(5.5, 7.5), False),
        ((5.6, 5.7, 5.8, 5.9), expires(5.5, 7.5), False),  # Many loads after the first stand for the first alone.
        ((2.0, 11.6), expires(5.5, 7.5), False),  # Before and long after.
        ((5.6, 7.5 + EXPIRY_SHOWS_WITHIN_S + 0.1), expires(5.5, 7.5), False),
        ((5.6, 7.6), expires(5.5), False),  # Only one was applied.
        ((5.6, 7.6), [], False),
        ((5.6, 7.6), expires(5.5) + expires(7.5, arm="all"), False),
        ((5.6, 7.6), expires(5.5) + expires(7.5, kind="toxic"), False),
    ],
)
def test_every_expiry_shows_by_itself(grows: tuple[float, ...], recorded: list[dict[str, Any]], *, ok: bool) -> None:
    """The counter grows right after each one that this arm's record has, and it has all that were meant."""
    fault = CacheExpiry(key="item:1", at_s=(0.5, 2.5), signature=Signature(metric="loads_total", increase_min=2))
    found = examined(samples=healthy() + loads(*grows), faults=(fault,), faults_recorded=recorded)
    assert not_ok(found) == (set() if ok else {"fault_proof"})


@pytest.mark.parametrize(("least", "ok"), [(1, True), (2, True), (3, False)])
def test_an_expiry_must_show_by_as_much_as_its_signature_says(least: float, *, ok: bool) -> None:
    """Two loads after each: the least of them is told."""
    fault = CacheExpiry(key="item:1", at_s=(0.5, 2.5), signature=Signature(metric="loads_total", increase_min=least))
    samples = healthy() + loads(5.6, 5.7, 7.6)
    proof = examined(samples=samples, faults=(fault,), faults_recorded=expires(5.5, 7.5))["fault_proof"]
    assert (proof.measured, proof.limit, proof.ok) == (2, least, ok)
    assert f"loads_total grew by 2 or more after each (at least {least})" in proof.text


def test_every_fault_must_be_proven() -> None:
    """Two faults, two proofs."""
    other = CacheExpiry(key="item:1", at_s=(0.0,), signature=Signature(metric="nothing", increase_min=1))
    found = list(examine(experiment(HANGS, other), observed(), manifest()))
    assert [one.ok for one in found if one.name == "fault_proof"] == [True, False]


def test_without_any_data_nothing_is_well() -> None:
    """No rows, no metrics, no report of the generator: every check fails, and no number is made up."""
    empty = replace(observed([], [], received=0), generator=generator(1).clear())
    found = list(examine(experiment(HANGS), empty, manifest(bursts=[BURST])))
    assert len(found) == len(NAMES) + 1
    assert not any(one.ok for one in found)
    assert {one.measured for one in found} <= {None, 0.0, 1.0}
    unmeasured = [one.text for one in found if one.measured is None]
    assert all("nothing was recorded" in text for text in unmeasured)
    assert not any("inf" in text or "nan" in text for text in unmeasured)


def test_numbers_that_are_none_are_not_well() -> None:
    """NaN is smaller and larger than nothing; it passes no check."""
    broken = changed("machine_cores_busy", lambda _: float("nan"))
    found = examined(samples=broken)
    assert not_ok(found) == {"cores_busy"}
    assert found["cores_busy"].measured is None


def test_frames_stay_as_they_were() -> None:
    """Examining is reading."""
    seen = observed()
    before = seen.metrics.clone()
    list(examine(experiment(HANGS), seen, manifest()))
    assert isinstance(seen.metrics, pl.DataFrame)
    assert seen.metrics.equals(before)
