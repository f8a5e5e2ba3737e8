from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.latency_window import GROWTH, LatencyWindow


@given(
    latencies_s=st.lists(st.floats(1e-6, 3600), min_size=1, max_size=200),
    share=st.floats(0.01, 1),
)
def test_a_percentile_is_right_to_a_few_percent(latencies_s: list[float], share: float) -> None:
    """At least the share lies at or below it, and it is at most one bucket above the least time of which that holds."""
    window = LatencyWindow(10.0, 5)
    for latency_s in latencies_s:
        window.record(latency_s, 1.0)
    found_s = window.percentile(share, 1.0)
    assert found_s is not None
    count = len(latencies_s)
    assert sum(one <= found_s * (1 + 1e-9) for one in latencies_s) >= (share - 1e-9) * count
    least_s = next(one for n, one in enumerate(sorted(latencies_s), start=1) if n >= (share - 2e-9) * count)
    assert found_s <= least_s * GROWTH * (1 + 1e-9)


def test_latencies_leave_the_window_with_their_slice() -> None:
    """A window of 10 s in 5 slices has forgotten after 10 s, and not after 8 s."""
    window = LatencyWindow(10.0, 5)
    window.record(9.0, 0.0)
    window.record(0.1, 7.9)
    assert window.percentile(1.0, 7.9) == pytest.approx(9.0, rel=0.04)
    assert window.percentile(1.0, 10.0) == pytest.approx(0.1, rel=0.04)
    assert window.percentile(1.0, 18.0) is None


def test_too_few_are_none() -> None:
    """A percentile of a handful is an accident."""
    window = LatencyWindow(10.0, 5)
    for number in range(99):
        window.record(number / 100, 0.0)
    assert window.percentile(0.95, 0.0, samples_min=100) is None
    window.record(0.0, 0.0)
    assert window.percentile(0.95, 0.0, samples_min=100) is not None


def test_memory_is_bounded() -> None:
    """However many latencies over however long: slices times buckets."""
    window, random = LatencyWindow(10.0, 5), Random(1)
    for number in range(100_000):
        window.record(random.lognormvariate(-4, 2), number * 0.01)
    assert len(window._counts) <= 5
    assert sum(len(counts) for _, counts in window._counts) < 5 * 600, "seed 1"


def test_what_was_not_waited_for_counts_as_no_faster_than_it_was() -> None:
    """A tenth is given up after 1 s: the 95th percentile is not that of the others, but the longest time seen."""
    window = LatencyWindow(10.0, 5)
    for number in range(900):
        window.record(0.01 + number / 1e5, 0.0)
    for _ in range(100):
        window.record(1.0, 0.0, ended=False)
    assert window.percentile(0.95, 0.0) == pytest.approx(1.0, rel=0.04)
    assert window.percentile(0.45, 0.0) == pytest.approx(0.0145, rel=0.05)


def test_what_was_given_up_early_says_little() -> None:
    """Half of the calls are given up at once: the others' percentiles stay as they are."""
    window, random = LatencyWindow(10.0, 5), Random(2)
    for _ in range(5000):
        window.record(random.uniform(0.01, 0.02), 0.0)
        window.record(0.0001, 0.0, ended=False)
    assert window.percentile(0.95, 0.0) == pytest.approx(0.0195, rel=0.05), "seed 2"


def test_percentiles_survive_being_cut_off() -> None:
    """Calls given up at random times, half of them before they end: the median is that of all of them."""
    window, random = LatencyWindow(10.0, 5), Random(3)
    for _ in range(20_000):
        latency_s, left_s = random.expovariate(1.0), random.expovariate(1.0)
        window.record(min(latency_s, left_s), 0.0, ended=latency_s <= left_s)
    assert window.percentile(0.5, 0.0) == pytest.approx(0.693, rel=0.07), "seed 3"
