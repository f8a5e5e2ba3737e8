from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.rolling_window import RollingSum, RollingWindow, Tally


def test_counts_leave_the_window_with_their_bucket() -> None:
    """A window of 2 s in 10 buckets has forgotten after 2 s, and not after 1.7 s."""
    window = RollingWindow(2.0, 10)
    window.count(100.0, failed=True, slow=True)
    window.count(101.7, failed=False, slow=False)
    assert window.total == Tally(calls=2, failures=1, slow=1)
    window.count(102.05, failed=False, slow=False)
    assert window.total == Tally(calls=2, failures=0, slow=0)


def test_a_long_pause_empties_the_window_at_once() -> None:
    """However many buckets' widths have passed."""
    window = RollingWindow(2.0, 10)
    for _ in range(50):
        window.count(1.0, failed=True, slow=False)
    window.count(1e9, failed=False, slow=False)
    assert window.total == Tally(calls=1)


@given(
    gaps_s=st.lists(st.floats(0, 1.5), min_size=1, max_size=60),
    buckets=st.integers(1, 20),
    start_s=st.floats(0, 1e6),
)
def test_it_agrees_with_a_list_of_all_calls(gaps_s: list[float], buckets: int, start_s: float) -> None:
    """The sum equals that over all calls whose bucket is among the newest ones."""
    window, width_s, seen, now_s = RollingWindow(2.0, buckets), 2.0 / buckets, list[int](), start_s
    for gap_s in gaps_s:
        now_s += gap_s
        seen.append(int(now_s / width_s))
        window.count(now_s, failed=len(seen) % 2 == 0, slow=len(seen) % 3 == 0)
        inside = [number for number, bucket in enumerate(seen, start=1) if bucket > seen[-1] - buckets]
        assert window.total.calls == len(inside)
        assert window.total.failures == sum(number % 2 == 0 for number in inside)
        assert window.total.slow == sum(number % 3 == 0 for number in inside)


def test_looking_at_a_window_forgets_too() -> None:
    """Not only counting does."""
    window = RollingWindow(2.0, 10)
    window.count(1.0, failed=True, slow=False)
    window.forget(3.5)
    assert window.total == Tally()


@given(
    steps=st.lists(st.tuples(st.floats(0, 1.5), st.floats(-10, 10)), min_size=1, max_size=60),
    buckets=st.integers(1, 20),
)
def test_a_rolling_sum_agrees_with_a_list_of_all_amounts(steps: list[tuple[float, float]], buckets: int) -> None:
    """The sum equals that over all amounts whose bucket is among the newest ones; looking changes nothing."""
    found, width_s, seen, now_s = RollingSum(2.0, buckets), 2.0 / buckets, list[tuple[int, float]](), 0.0
    for gap_s, amount in steps:
        now_s += gap_s
        current = int(now_s / width_s)
        expected = sum(one for bucket, one in seen if bucket > current - buckets)
        assert abs(found.total(now_s) - expected) < 1e-9
        seen.append((current, amount))
        found.add(amount, now_s)
        assert abs(found.total(now_s) - expected - amount) < 1e-9
