"""Closed forms: numbers one can do in one's head."""

import math
from itertools import accumulate
from random import Random
from statistics import fmean
from typing import Any

import pytest

from rulezero.analysis.predict import (
    backlog,
    budgeted_attempts,
    drain_s,
    drained_s,
    early_refreshes,
    erlang_c_wait_s,
    fixed_service_wait_s,
    fresh_share,
    hedged_percentile_s,
    herd,
    layered_attempts,
    pool_exhaustion_s,
    recovery_s,
    refill_s,
    refused_share,
    rounds_attempts,
    rounds_s,
    shards_share,
    stalled_percentile_s,
    throttle_recovery_s,
    throttled_rps,
    tripped_share,
    waits_s,
)
from rulezero.analysis.recovery import STEP_S


def test_a_herd_is_the_first_miss_and_all_that_come_while_it_loads() -> None:
    """80 a second and 0.3 s: 24 more; without traffic only the first."""
    assert herd(80, 0.3) == pytest.approx(25)
    assert herd(0, 0.3) == 1


def test_a_pool_lasts_slots_by_rate() -> None:
    """36 slots and 20 hanging requests a second: 1.8 s."""
    assert pool_exhaustion_s(36, 20) == pytest.approx(1.8)


def test_a_backlog_drains_with_what_capacity_is_left() -> None:
    """8 s at 100 a second are 800 waiting requests; 200 more a second are served than come: 4 s."""
    assert recovery_s(8, 1, 100, 300) == pytest.approx(4)
    assert recovery_s(8, 2, 100, 300) == pytest.approx(16), "twice as many to serve, and half the room"
    assert recovery_s(0, 1, 100, 300) == 0
    assert recovery_s(8, 1, 100, 300, patience_s=1) == pytest.approx(2.5), "three hundred may still wait"
    assert recovery_s(1, 1, 100, 300, patience_s=1) == 0


@pytest.mark.parametrize("amplification", [3, 9])
def test_a_backlog_that_grows_as_fast_as_it_drains_never_does(amplification: float) -> None:
    """At capacity or over it there is no recovery, and no division by zero."""
    assert recovery_s(8, amplification, 100, 300) is None


def test_layers_multiply() -> None:
    """Three attempts at two layers are nine; one layer is itself."""
    assert [layered_attempts(3, layers) for layers in (0, 1, 2, 3)] == [1, 3, 9, 27]


@pytest.mark.parametrize(
    ("rate_rps", "amplification", "expected_s"),
    [
        (90, 1, 4.3),
        (90, 2, 15),
        (140, 1, 8.8),
        (140, 2, 140),
        (140, 3, None),
        (220, 1, 27.5),
        (220, 1.1, 41.7),
        (260, 1.1, 204),
        (260, 1.2, None),
        (280, 1, 140),
        (280, 1.1, None),  # A budget of 10 % does not save a system at 93 %.
    ],
)
def test_recovery_from_a_stall_of_ten_seconds(rate_rps: float, amplification: float, expected_s: float | None) -> None:
    """The law's own table, for a capacity of 300 a second: attempts 1, 2, 3, and budgets of 10 and 20 %."""
    found = recovery_s(10, amplification, rate_rps, 300)
    assert found == (None if expected_s is None else pytest.approx(expected_s, rel=0.02))


def test_five_layers_of_three_attempts() -> None:
    """243, and 64 for three layers of four."""
    assert (layered_attempts(3, 5), layered_attempts(4, 3)) == (243, 64)


def test_a_budget_at_each_layer_multiplies_too() -> None:
    """But by little: three layers of 20 % are 1.73, where three of three attempts are 27; no budget adds nothing."""
    assert budgeted_attempts(0.2, 3) == pytest.approx(1.728)
    assert budgeted_attempts(0.1, 1) == pytest.approx(1.1)
    assert (budgeted_attempts(0.2, 0), budgeted_attempts(0, 3)) == (1, 1)


@pytest.mark.parametrize(("beta", "loads"), [(0.5, 7.39), (1, 2.72), (1.5, 1.95), (2, 1.65)])
def test_early_refreshes_depend_on_the_weight_alone(beta: float, loads: float) -> None:
    """e to the power of 1/beta."""
    assert early_refreshes(beta) == pytest.approx(loads, abs=0.005)


def test_a_hedged_request_takes_the_delay_and_a_typical_answer() -> None:
    """p95 is 20 ms and the median 10 ms: 30 ms, where it was a second."""
    assert hedged_percentile_s(0.02, 0.01) == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("k", "count_local", "sent"), [(2, True, 2.0), (2, False, 4.47), (1.1, True, 1.1), (1.1, False, 3.32)]
)
def test_a_throttled_client_at_ten_times_the_capacity(k: float, sent: float, *, count_local: bool) -> None:
    """In capacities: 2.0 with K = 2, but 4.5 when it does not count what it refused itself."""
    assert throttled_rps(1000, k, 100, count_local=count_local) == pytest.approx(100 * sent, rel=0.002)


@pytest.mark.parametrize("count_local", [True, False])
def test_a_client_is_not_throttled_below_k_times_the_capacity(*, count_local: bool) -> None:
    """At the edge both forms send all there is, so neither jumps."""
    assert [throttled_rps(rate_rps, 2, 100, count_local=count_local) for rate_rps in (0, 90, 200)] == [0, 90, 200]
    assert throttled_rps(200.1, 2, 100, count_local=count_local) == pytest.approx(200, abs=0.1)


def test_entries_of_all_ages_last_half_their_time_on_average() -> None:
    """4 s in 12 are a sixth; lives of 3 to 5 s, where the longer are met more often, are 49/24 s and not 2."""
    assert fresh_share(4, 12) == pytest.approx(1 / 6)
    assert fresh_share(4, 4) == pytest.approx(1 / 2)
    assert fresh_share(4, 12, jitter=0.25) == pytest.approx(49 / 24 / 12)
    assert fresh_share(4, 12, read_rps=2) == pytest.approx(4 / 4.5 / 6)


def test_goodput_is_back_when_the_line_is_short_for_good() -> None:
    """A stall of 8 s at 100 a second, then 300: the line of 800 shrinks by 200 a second, to 30 in 3.85 s."""
    even_s = [number / 100 for number in range(2000)]
    assert drained_s(even_s, 8, 300, patience_s=0.1, hold_s=12) == pytest.approx(3.85, abs=STEP_S)
    assert drained_s(even_s, 8, 300, patience_s=1.0, hold_s=12) == pytest.approx(2.5, abs=STEP_S)
    assert drained_s(even_s, 8, 1e9, patience_s=0.1, hold_s=12) == pytest.approx(0, abs=STEP_S)


def test_a_crowd_on_the_way_back_is_waited_for() -> None:
    """What was short is long again when 300 come at once, 3 s after the stall; a hundred a second take them off."""
    even_s = [number / 100 for number in range(1400)]
    crowd_s = sorted([*even_s, *[5.0] * 300])
    assert drained_s(even_s, 2, 200, patience_s=0.1, hold_s=12) == pytest.approx(1.8, abs=STEP_S)
    assert drained_s(crowd_s, 2, 200, patience_s=0.1, hold_s=12) == pytest.approx(3 + 2.8, abs=STEP_S)


@pytest.mark.parametrize("capacity_rps", [90, 100])
def test_a_line_that_does_not_shrink_is_never_short(capacity_rps: float) -> None:
    """Nor is goodput back when nobody asks."""
    even_s = [number / 100 for number in range(1400)]
    assert drained_s(even_s, 2, capacity_rps, patience_s=0.1, hold_s=12) is None
    assert drained_s([], 2, capacity_rps, patience_s=0.1, hold_s=12) is None


@pytest.mark.parametrize(
    ("rate_rps", "k", "share", "expected_s"),
    [
        (1000, 2, 0.9, 28.3),  # ln(900 / 200) windows of 30 s, by 1.594
        (1000, 2, 0.5, 17.2),
        (1000, 1.5, 0.9, 61.5),  # ln(900 / 150), by 0.874: longer, as it begins lower and grows slower
        (222, 2, 0.9, 0.0),  # It never sent less than that.
        (150, 2, 0.9, 0.0),
    ],
)
def test_a_throttled_client_comes_back_by_and_by(rate_rps: float, k: float, share: float, expected_s: float) -> None:
    """From K times a capacity of 100, over a window of 30 s."""
    assert throttle_recovery_s(rate_rps, k, 100, 30, share=share) == pytest.approx(expected_s, abs=0.05)


@pytest.mark.parametrize("k", [0.5, 1.0])
def test_a_throttle_that_allows_no_growth_never_comes_back(k: float) -> None:
    """Nor is anything divided by zero."""
    assert throttle_recovery_s(1000, k, 100, 30) is None


@pytest.mark.parametrize(
    ("rate_rps", "share", "expected_s"),
    [
        (100, 0.05, 0.0),  # A tenth are answered with nothing in the cache.
        (100, 0.5, 0.1),
        (100, 0.65, 0.1),
        (100, 0.66, 0.2),
        (100, 0.95, 0.2),
        (1000, 0.95, 0.2),
        (1000, 0.96, 0.3),
        (1000, 1.0, 0.3),
    ],
)
def test_a_cold_cache_fills_load_by_load(rate_rps: float, share: float, expected_s: float) -> None:
    """Two items asked for as 2 to 1, ten loads a second: 1, 4/9, 1/18 and none of the requests miss, one by one."""
    assert refill_s(2, 1, rate_rps, 10, share) == pytest.approx(expected_s)


def test_without_skew_a_cache_fills_evenly() -> None:
    """Of a thousand items four tenths must be there for half of the requests, as a tenth may miss: at 100 a second."""
    assert refill_s(1000, 0, 1000, 100, 0.5) == pytest.approx(4, abs=0.011)


@pytest.mark.parametrize(
    ("capacity_rps", "down_s", "expected"), [(20, 0, 320), (20, 2.5, 370), (40, 0, 0), (60, 0, 0), (60, 16, 640)]
)
def test_a_backlog_is_what_came_less_what_was_done(capacity_rps: float, down_s: float, expected: float) -> None:
    """40 a second for 16 s; a consumer that is dead does nothing, and nobody does what has not come."""
    assert backlog(40, capacity_rps, 16, down_s=down_s) == expected


def test_a_backlog_is_worked_off_by_what_is_left_over() -> None:
    """300 by 30 a second; a part of them sooner; without anything left over, never."""
    assert drain_s(300, 40, 70) == 10
    assert drain_s(300, 40, 70, share=0.5) == 5
    assert drain_s(300, 40, 40) is None


@pytest.mark.parametrize(("capacity_rps", "share"), [(20, 0.5), (40, 0.0), (60, 0.0), (0, 1.0)])
def test_a_full_queue_refuses_what_cannot_be_done(capacity_rps: float, share: float) -> None:
    """Of 40 a second."""
    assert refused_share(40, capacity_rps) == share


def test_a_stall_is_the_percentile_less_the_share_that_is_slower_still() -> None:
    """10 s in 100 s: one in a hundred waits longer than 9 s; a stall shorter than that share does not show."""
    assert stalled_percentile_s(0.99, 10, 100) == pytest.approx(9.0)
    assert stalled_percentile_s(0.5, 10, 100) == 0.0


def test_a_breaker_over_shards_trips_for_one_dead_shard_if_it_may() -> None:
    """Half fails. At 0.4 it opens after 0.4 x 2 x 2 s; then 2 of each 122 calls pass, and one of them is good."""
    numbers: dict[str, Any] = {"window_s": 2.0, "open_s": 2.0, "probes": 2, "fault_s": 20.0}
    assert shards_share(2) == 0.5
    assert tripped_share(2, 60, failure_rate=0.51, **numbers) == 0.5
    assert tripped_share(2, 60, failure_rate=0.5, **numbers) < 0.1, "at the threshold it trips"
    assert tripped_share(2, 60, failure_rate=0.4, **numbers) == pytest.approx((1.6 * 0.5 + 18.4 / 122) / 20)
    assert tripped_share(10, 60, failure_rate=0.1, **numbers) < 0.3, "nine of ten shards are well"
    assert tripped_share(2, 60, failure_rate=0.4, **{**numbers, "fault_s": 1.0}) == pytest.approx(0.5), "it is over"


@pytest.mark.parametrize(
    ("slots", "load", "wait"),
    [(1, 0.5, 1.0), (1, 0.9, 9.0), (2, 1.0, 1 / 3), (4, 2.8, 0.35724), (1, 1.0, math.inf), (3, 9.0, math.inf)],
)
def test_erlang_c(slots: int, load: float, wait: float) -> None:
    """One slot: rho / (1 - rho) services. Two at one erlang: P(wait) 1/3. Four at 70 %: 0.4287 by the tables."""
    assert erlang_c_wait_s(slots, load, 1.0) == pytest.approx(wait, rel=1e-4)
    assert erlang_c_wait_s(slots, 10 * load, 0.1) == pytest.approx(wait / 10, rel=1e-4)


def test_a_fixed_service_time_halves_the_wait_and_a_little_less_with_several_slots() -> None:
    """Exactly half with one (Pollaczek and Khinchine); with more the approximation is played out."""
    assert fixed_service_wait_s(1, 0.5, 1.0) == pytest.approx(0.5)
    assert fixed_service_wait_s(2, 1.6, 1.0) == pytest.approx(played_wait_s(2, 1.6, fixed=True), rel=0.05)
    assert fixed_service_wait_s(4, 2.8, 1.0) == pytest.approx(played_wait_s(4, 2.8, fixed=True), rel=0.05)
    assert fixed_service_wait_s(2, 2.0, 1.0) == math.inf
    assert fixed_service_wait_s(2, 0.0, 1.0) == 0.0


def test_the_line_of_given_arrivals() -> None:
    """Two slots, three at once and one later: the third waits for the shorter of the two, the fourth for nobody."""
    assert waits_s([0, 0, 0, 9], [5, 2, 4, 1], 2) == [0, 0, 2, 0]
    with pytest.raises(ValueError, match="zip"):
        waits_s([0, 1], [1], 1)


def played_wait_s(slots: int, rate_rps: float, *, fixed: bool) -> float:
    """Return the mean wait of very many arrivals, with services of 1 s."""
    random = Random(1)
    arrivals_s = list(accumulate(random.expovariate(rate_rps) for _ in range(100_000)))
    services_s = [1.0 if fixed else random.expovariate(1.0) for _ in arrivals_s]
    return fmean(waits_s(arrivals_s, services_s, slots))


def test_the_line_of_very_many_arrivals_is_erlangs() -> None:
    """Two ways to the same number."""
    assert played_wait_s(4, 2.8, fixed=False) == pytest.approx(erlang_c_wait_s(4, 2.8, 1.0), rel=0.05)


def test_who_comes_back_together_is_served_one_by_one() -> None:
    """Three writers: three, two and one attempts; each round an attempt and a delay, of which the last one is kept."""
    assert rounds_attempts(3) == 2.0
    assert rounds_s(1, 0.5, [1]) == 0.5
    assert rounds_s(4, 0.5, [1, 2]) == 4 * 0.5 + 1 + 2 + 2
