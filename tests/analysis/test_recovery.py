"""The rule on quarters of a second; on rows it is tested with the other figures."""

from rulezero.analysis.recovery import STEP_S, back_for_good_s

ALL, NONE = (10, 10), (0, 10)
HOLD_S = 10.0


def back_s(*shares: tuple[int, int], baseline: float = 1.0) -> float | None:
    """Return when it was back after these steps, if all goes well from then on."""
    last = int(HOLD_S / STEP_S)
    steps = dict(enumerate([*shares, *[ALL] * (last - len(shares))]))
    return back_for_good_s(steps, hold_s=HOLD_S, baseline=baseline)


def test_it_is_back_with_the_first_good_step() -> None:
    """Told to a quarter of a second."""
    assert back_s() == 0.0
    assert back_s(NONE) == STEP_S
    assert back_s(*[NONE] * 6) == 6 * STEP_S


def test_one_bad_step_among_good_ones_is_a_hiccup() -> None:
    """Of three seconds, a tenth may fail; not more."""
    assert back_s(ALL, ALL, NONE, ALL) == 0.0
    assert back_s(ALL, ALL, NONE, NONE) == 4 * STEP_S


def test_it_is_measured_by_what_was_before() -> None:
    """Who answered eight in ten before is back with that; who answered all is not."""
    eight = [(8, 10)] * int(HOLD_S / STEP_S)
    assert back_s(*eight, baseline=0.8) == 0.0
    assert back_s(*eight) is None


def test_a_quarter_second_without_a_request_is_no_dip() -> None:
    """At low rates most have none: what counts is the first in which anything was asked."""
    sparse = dict.fromkeys(range(2, round(HOLD_S / STEP_S), 4), ALL)
    assert back_for_good_s(sparse, hold_s=HOLD_S) == 0.0
    first = min(sparse)
    dipped_s = back_for_good_s({**sparse, first: (0, ALL[1])}, hold_s=HOLD_S)
    assert dipped_s is not None
    assert dipped_s > first * STEP_S


def test_silence_is_not_being_back() -> None:
    """Nor is a hold too short to tell."""
    assert back_for_good_s({}, hold_s=HOLD_S) is None
    assert back_for_good_s(dict.fromkeys(range(4), ALL), hold_s=1.0) is None
