"""The proof of a fault: what it must leave in the metrics, when, and what does not stand for it."""

from typing import Any

import pytest

from rulezero.analysis.validity import INSTANT_SHOWS_WITHIN_S, examine
from rulezero.faults import CacheExpiry, CacheFlush, Signature, Statement, Toxic
from tests.analysis.arms import HANGS, OUTCOMES, Samples, changed, examined, experiment, healthy, not_ok, observed
from tests.analysis.frames import manifest, sample


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
    loads = [sample(1.0, "loads_total", 1), sample(5.0, "loads_total", 5), sample(9.0, "loads_total", 13)]
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
        ((5.6, 7.5 + INSTANT_SHOWS_WITHIN_S + 0.1), expires(5.5, 7.5), False),
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


@pytest.mark.parametrize("scraped_s", [0.0, 0.1, 0.5, 0.9])
def test_one_load_is_one_wherever_the_scrapes_are(scraped_s: float) -> None:
    """Once a second, the expiry anywhere between two: of what it caused, nothing is taken for what was before it."""
    counted = [sample(second + scraped_s, "loads_total", float(second + scraped_s > 5.5)) for second in range(1, 19)]
    fault = CacheExpiry(key="item:1", at_s=(0.5,), signature=Signature(metric="loads_total", increase_min=1))
    found = examined(samples=healthy() + counted, faults=(fault,), faults_recorded=expires(5.5))
    assert (found["fault_proof"].measured, found["fault_proof"].ok) == (1, True)


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


@pytest.mark.parametrize(("least", "ok"), [(7, True), (8, True), (9, False)])
def test_a_lasting_fault_may_show_by_what_never_happens_otherwise(least: float, *, ok: bool) -> None:
    """A counter that stood still in the baseline grew by 8 in the fault; what it grew by later is not the fault's."""
    resets = [
        sample(t_s, "errors_total", count) for t_s, count in ((1.0, 3), (5.0, 3), (8.8, 11), (9.0, 11), (18.9, 99))
    ]
    fault = Toxic(link="x", type="reset_peer", signature=Signature(metric="errors_total", increase_min=least))
    proof = examined(samples=healthy() + resets, faults=(fault,))["fault_proof"]
    assert (proof.measured, proof.limit, proof.ok) == (8, least, ok)
    assert proof.text == f"reset_peer on x (downstream): errors_total grew by 8 (at least {least:g})"


@pytest.mark.parametrize(("ratio_min", "ok"), [(2.0, True), (2.1, False)])
def test_a_statement_is_proven_like_a_toxic(ratio_min: float, *, ok: bool) -> None:
    """By its own phrase: time in the database went from 4 s to 8 s."""
    name = "db_client_operation_duration_seconds_sum"
    spent = [sample(1.0, name, 1), sample(5.0, name, 5), sample(9.0, name, 13)]
    signature = Signature(metric=name, ratio_min=ratio_min)
    fault = Statement(text="searches are slow", apply_sql="a", revert_sql="b", signature=signature)
    proof = examined(samples=healthy() + spent, faults=(fault,))["fault_proof"]
    assert proof.ok is ok
    assert proof.text.startswith(f"searches are slow: {name} went to 200% of its baseline rate")


LED = CacheExpiry(key="item:1", at_s=(1.5, 3.0), lead_s=1.4, signature=Signature(metric="loads_total", increase_min=2))


@pytest.mark.parametrize(
    ("grows", "ok"),
    [
        ((6.6, 8.1), True),  # After the ends.
        ((5.3, 6.9), True),  # Renewed before the ends, as the lead lets one.
        ((4.9, 8.1), False),  # Before the first one's lead: that was something else.
        ((6.6, 6.7), True),  # Both between the ends: the second may have been renewed early.
        ((6.9,), False),  # It lies in the time of both, and stands for one.
        ((6.6, 6.7, 6.8, 6.9), True),
        ((5.3, 5.4, 5.5), False),  # Three times before the first one's end, and nothing for the second.
        ((), False),
    ],
)
def test_an_expiry_with_a_lead_shows_from_its_lead_on(grows: tuple[float, ...], *, ok: bool) -> None:
    """Ends at 6.5 and 8 s, each announced 1.4 s before: their times overlap, and one load is not taken for two."""
    recorded = expires(6.5, 8.0)
    found = examined(samples=healthy() + loads(*grows), faults=(LED,), faults_recorded=recorded)
    assert not_ok(found) == (set() if ok else {"fault_proof"})


@pytest.mark.parametrize(
    ("grows", "recorded", "ok"),
    [
        ((6.1,), expires(6.0, kind="flush"), True),
        ((5.9,), expires(6.0, kind="flush"), False),  # Misses there are before it too.
        ((6.0 + INSTANT_SHOWS_WITHIN_S + 0.1,), expires(6.0, kind="flush"), False),
        ((6.1,), expires(6.0), False),
        ((6.1,), expires(6.0, 6.0, kind="flush"), False),
        ((6.1,), [], False),
    ],
)
def test_a_flush_shows_right_after_it(grows: tuple[float, ...], recorded: list[dict[str, Any]], *, ok: bool) -> None:
    """Once, in this arm's record, as a flush."""
    flushed = CacheFlush(at_s=1.0, signature=Signature(metric="loads_total", increase_min=2))
    found = examined(samples=healthy() + loads(*grows), faults=(flushed,), faults_recorded=recorded)
    assert not_ok(found) == (set() if ok else {"fault_proof"})
    assert found["fault_proof"].text.startswith("the cache is flushed: loads_total grew by ")
