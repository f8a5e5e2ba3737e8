"""Validity: each check fails by itself and only for its own reason; what was not recorded is never well."""

from dataclasses import replace

import polars as pl
import pytest

from rulezero.analysis.validity import SETTLE_AFTER_BURST_S, examine
from tests.analysis.arms import (
    BURST,
    BURST_AT_S,
    HANGS,
    NAMES,
    changed,
    examined,
    experiment,
    healthy,
    lasted,
    not_ok,
    observed,
)
from tests.analysis.frames import generator, manifest, row, sample, spans, steady


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


def test_users_who_wait_are_not_scheduled() -> None:
    """What they send makes up for nothing that was not sent."""
    requests = steady()
    waiting = [row(2.0 + 0.1 * number, kind="closed") for number in range(20)]
    assert not_ok(examined(requests + waiting, scheduled=len(requests) + 8)) == {"generator_shortfall"}


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
    assert (found["spans"].measured, found["spans"].text) == (0, "0 spans of services were received (at least 1)")
    assert examined(received=3)["spans"].measured == 3
    of_locust = replace(observed(), spans=spans(9, service="locust"))
    told = {one.name: one for one in examine(experiment(HANGS), of_locust, manifest(faults=lasted(HANGS)))}
    assert (told["spans"].ok, told["spans"].measured) == (False, 0)


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


@pytest.mark.parametrize(
    ("busy_s", "ok"),
    [
        ((10, 13), False),
        ((10, 12), True),  # Two full seconds and an easy one.
        ((1, 3), True),  # However early they are.
        ((0, 1), True),
        ((19, 25), True),
    ],
)
def test_the_worst_three_seconds(busy_s: tuple[int, int], *, ok: bool) -> None:
    """Nine tenths of the cores; the mean of the arm has room, and what is before or after it does not count."""
    busy = changed("machine_cores_busy", lambda one: 1.95 if busy_s[0] < one["t_s"] < busy_s[1] else 0.8)
    after = [sample(19.5 + number, "machine_cores_busy", 1.95, process="machine") for number in range(4)]
    found = examined(samples=busy + after)
    assert not_ok(found) == (set() if ok else {"cores_busy_peak"})


def test_the_peak_is_told() -> None:
    """A mean of three, of samples in any order; the limit itself is still well."""
    values = {9.7: 2.0, 10.7: 1.6, 11.7: 1.8}
    busy = changed("machine_cores_busy", lambda one: values.get(round(one["t_s"], 1), 0.8))
    peak = examined(samples=list(reversed(busy)))["cores_busy_peak"]
    assert peak.measured == pytest.approx(1.8)
    assert peak.limit == 1.8
    assert peak.text == "1.80 of 2 cores were busy in the worst 3 seconds (limit 1.8)"


def test_two_samples_have_no_worst_three_seconds() -> None:
    """Nor has a run without any."""
    few = [one for one in healthy() if one["name"] != "machine_cores_busy" or 3 < one["t_s"] < 5]
    found = examined(samples=few)
    assert not_ok(found) == {"cores_busy_peak"}
    assert found["cores_busy_peak"].measured is None


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
    assert not_ok(found) == {"cores_busy", "cores_busy_peak"}
    assert found["cores_busy"].measured is found["cores_busy_peak"].measured is None


def test_frames_stay_as_they_were() -> None:
    """Examining is reading."""
    seen = observed()
    before = seen.metrics.clone()
    list(examine(experiment(HANGS), seen, manifest()))
    assert isinstance(seen.metrics, pl.DataFrame)
    assert seen.metrics.equals(before)
