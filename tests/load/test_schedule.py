import math
from collections import Counter
from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from rulezero.experiment import Keys, Stream
from rulezero.load.schedule import arrivals, due_times, keys, operation_ids, sampled


def test_the_same_seed_gives_two_arms_the_same_arrivals_and_another_seed_others() -> None:
    """Arms differ in their defences, never in what they are asked."""
    first, second = (list(arrivals(7, 200, "browse", 10)) for _ in range(2))
    assert first == second
    assert first != list(arrivals(8, 200, "browse", 10))
    assert first != list(arrivals(7, 200, "search", 10))


def test_arrivals_come_at_the_rate_and_as_a_poisson_process() -> None:
    """Over 100 s the count is within 5 standard deviations, and gaps vary as much as their mean."""
    times = list(arrivals(1, 100, "browse", 100))
    assert abs(len(times) - 10_000) < 5 * math.sqrt(10_000)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean_s = sum(gaps) / len(gaps)
    deviation_s = math.sqrt(sum((gap - mean_s) ** 2 for gap in gaps) / len(gaps))
    assert 0.95 < deviation_s / mean_s < 1.05


@given(seed=st.integers(), rate_rps=st.floats(0.1, 500), duration_s=st.floats(0, 5))
def test_arrivals_grow_and_end_before_the_end(seed: int, rate_rps: float, duration_s: float) -> None:
    """Instants are in order, after 0, and before the duration."""
    times = list(arrivals(seed, rate_rps, "browse", duration_s))
    assert times == sorted(times)
    assert all(0 < time_s < duration_s for time_s in times)


def test_a_longer_run_starts_like_a_shorter_one() -> None:
    """The duration cuts the stream off; it does not change it."""
    short = list(arrivals(3, 50, "browse", 2))
    assert short == list(arrivals(3, 50, "browse", 20))[: len(short)]


def test_uniform_keys_are_even_and_within_their_range() -> None:
    """With no skew each of ten items gets a tenth, within a fifth of that."""
    counts = Counter(islice(keys(1, "browse", Keys(low=5, high=14)), 20_000))
    assert set(counts) == set(range(5, 15))
    assert all(1600 < count < 2400 for count in counts.values())


def test_zipf_keys_follow_the_law() -> None:
    """With exponent 1 the first item is asked for twice as often as the second, ten times as often as the tenth."""
    counts = Counter(islice(keys(1, "browse", Keys(low=1, high=100, skew=1.0)), 100_000))
    assert set(counts) <= set(range(1, 101))
    assert 1.9 < counts[1] / counts[2] < 2.1
    assert 8.5 < counts[1] / counts[10] < 11.5


def test_a_single_key_is_always_asked_for() -> None:
    """A range of one item is a hot key, with or without skew."""
    for skew in (0.0, 1.0):
        assert set(islice(keys(1, "browse", Keys(low=9, high=9, skew=skew)), 100)) == {9}


def test_the_same_requests_are_traced_in_every_arm_and_as_many_as_asked() -> None:
    """Sampling belongs to the schedule, at its rate."""
    first, second = (list(islice(sampled(1, "browse", 0.1), 10_000)) for _ in range(2))
    assert first == second
    assert 850 < sum(first) < 1150


def test_operation_ids_differ_between_runs_and_streams_and_never_repeat() -> None:
    """An arm that reused another's ids would meet the other's orders in the database."""
    ids = [
        *islice(operation_ids("run-1", "checkout"), 1000),
        *islice(operation_ids("run-2", "checkout"), 1000),
        *islice(operation_ids("run-1", "browse"), 1000),
    ]
    assert len(set(ids)) == 3000
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in ids)


def test_due_times_are_those_of_all_streams_in_order() -> None:
    """The generator is judged by the streams together."""
    streams = (Stream(route="browse", rate_rps=30), Stream(route="search", rate_rps=10))
    times = due_times(2, streams, 5)
    assert times == sorted([*arrivals(2, 30, "browse", 5), *arrivals(2, 10, "search", 5)])
