"""The price list: differences within a round, and what can be told from zero."""

from typing import Any

import pytest

from rulezero.analysis.paired import interval
from rulezero.analysis.price import arms_for, orders, price_list
from rulezero.series import Entry, Series

LEVEL = {
    "p50_ms": 20.0, "p99_ms": 100.0, "cpu_services_ms": 3.0, "cpu_ms": 5.0, "calls": 4.0, "good": 1.0,
    "false_trips": 0.0, "acts": 0.0,
}  # fmt: skip


def entry(number: int, more: dict[str, dict[str, float | None]], **changes: Any) -> Entry:
    told: dict[str, Any] = {
        "key": f"round-{number}", "record": "x", "seed": number, "order": ["none", "timeout"], "valid": True,
        "reasons": [], "arms": {}, "yardsticks": {}, "more": more,
    }  # fmt: skip
    return Entry(**told | changes)


def series(*entries: Entry, defences: tuple[str, ...] = ("timeout",)) -> Series:
    return Series(
        kind="price", experiment="no_fault", reproduce="rulezero price", host={"cores": 2}, started_at="now",
        asked={"defences": list(defences), "rounds": 5, "seed": 1}, entries=list(entries),
    )  # fmt: skip


def arm(**changes: float | None) -> dict[str, float | None]:
    return {**LEVEL, **changes}


def test_a_price_is_a_difference_within_the_round() -> None:
    """So that what is common to a round, here a slow one, is no price; calls are told relative to the control's."""
    found = price_list(
        series(
            entry(1, {"none": arm(p50_ms=20.0), "timeout": arm(p50_ms=20.2, calls=5.0)}),
            entry(2, {"none": arm(p50_ms=30.0), "timeout": arm(p50_ms=30.4, calls=5.0)}),
        )
    )
    (row,) = found["prices"]
    expected = interval([0.2, 0.4])
    assert row["figures"]["p50_ms"]["mean"] == pytest.approx(0.3)
    assert row["figures"]["p50_ms"]["low"] == pytest.approx(expected.low)
    assert row["figures"]["calls"]["mean"] == pytest.approx(0.25)
    assert (row["control"], row["rounds"], found["rounds"]) == ("none", 2, 2)


def test_what_a_defence_needs_is_its_control() -> None:
    """Not "none": a breaker does not pay for its timeout."""
    arms = {"none": arm(), "timeout": arm(p50_ms=21.0), "circuit_breaker": arm(p50_ms=21.5)}
    (row,) = price_list(series(entry(1, arms), defences=("circuit_breaker",)))["prices"]
    assert row["control"] == "timeout"
    assert row["figures"]["p50_ms"]["mean"] == pytest.approx(0.5)


def test_all_defences_share_the_error_rate() -> None:
    """More defences, wider ranges: else one in twenty would be told from zero by chance."""
    entries = [
        entry(number, {"none": arm(), "timeout": arm(p50_ms=20 + number / 10), "bulkhead": arm()})
        for number in (1, 2, 3)
    ]
    alone = price_list(series(*entries))["prices"][0]["figures"]["p50_ms"]
    both = price_list(series(*entries, defences=("timeout", "bulkhead")))["prices"][0]["figures"]["p50_ms"]
    assert both["low"] < alone["low"]
    assert both["low"] == pytest.approx(interval([0.1, 0.2, 0.3], error_rate=0.025).low)


def test_what_is_always_there_is_told_from_zero() -> None:
    """And the summary names who has a price, and who tripped."""
    entries = [
        entry(number, {"none": arm(), "timeout": arm(p50_ms=20.5 + number / 1000, false_trips=2.0)})
        for number in range(5)
    ]
    found = price_list(series(*entries))
    assert found["prices"][0]["figures"]["p50_ms"]["told"]
    assert not found["prices"][0]["figures"]["p99_ms"]["told"]
    assert found["summary"] == (
        "After 5 rounds 1 of 1 has a price that can be told from zero: timeout (p50 of the good answers). "
        "False trips: timeout."
    )


def test_one_round_has_no_interval() -> None:
    """A difference, and nothing that could be told from zero."""
    found = price_list(series(entry(1, {"none": arm(), "timeout": arm(p50_ms=99.0)})))
    figure = found["prices"][0]["figures"]["p50_ms"]
    assert (figure["mean"], figure["low"], figure["high"], figure["told"]) == (79.0, None, None, False)
    assert found["summary"] == "After 1 round no price can be told from zero. None tripped falsely."


def test_an_arm_that_does_not_count_costs_its_own_pairs() -> None:
    """The other arms of the round go on counting, and the list says what was left out, and why."""
    whole = {"none": arm(), "timeout": arm(), "bulkhead": arm()}
    part = {"none": arm(), "bulkhead": arm()}
    spoilt = entry(2, part, valid=False, reasons=["timeout: busy"])
    found = price_list(series(entry(1, whole), spoilt, defences=("timeout", "bulkhead")))
    assert [row["rounds"] for row in found["prices"]] == [1, 2]
    assert found["left_out"] == [{"round": "round-2", "arms": ["timeout"], "reasons": ["timeout: busy"]}]


def test_without_a_round_there_is_no_price() -> None:
    """Nothing is made up, for a series that has not begun and for one that failed."""
    for entries in ((), (entry(1, {}, valid=False, reasons=["the run was interrupted"]),)):
        found = price_list(series(*entries))
        assert found["summary"] == "No round can be believed, so there is no price."
        assert set(found["prices"][0]["figures"].values()) == {None}


def test_a_figure_that_was_not_measured_is_left_out() -> None:
    """Of its round alone."""
    entries = [
        entry(1, {"none": arm(cpu_ms=None), "timeout": arm(cpu_ms=6.0)}),
        entry(2, {"none": arm(cpu_ms=5.0), "timeout": arm(cpu_ms=6.0)}),
    ]
    assert price_list(series(*entries))["prices"][0]["figures"]["cpu_ms"]["rounds"] == 1


def test_arms_are_those_that_prices_need() -> None:
    """The control of the run first, each once, controls before those that need them."""
    assert arms_for(["timeout"]) == ["none", "timeout"]
    assert arms_for(["retry_budget", "circuit_breaker", "timeout"]) == [
        "none", "timeout", "retry", "retry_budget", "circuit_breaker",
    ]  # fmt: skip


def test_no_place_in_the_order_belongs_to_an_arm() -> None:
    """Every round has all arms; over many, each comes at every place about as often, and before another as after it."""
    arms = [f"a{number}" for number in range(17)]
    rounds = [orders(arms, number) for number in range(34)]
    assert all(sorted(one) == sorted(arms) for one in rounds)
    places = [sum(one.index(arm) for one in rounds) / len(rounds) for arm in arms]
    assert max(places) - min(places) < 3
    before = sum(one.index("a3") < one.index("a4") for one in rounds)
    assert 10 <= before <= 24
