"""Numbers as people read them."""

import pytest

from rulezero.report.words import budget_text, number, outages, percent, share, verdict_word, with_unit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.0421, "0.042"), (0.5, "0.5"), (0.9999, "1"), (1.0, "1"), (1.234, "1.23"), (9.999, "10"),
        (12.34, "12.3"), (99.97, "100"), (612.4, "612"), (1020.0, "1,020"), (-0.0001, "0"), (-3.14159, "-3.14"),
        (None, "-"), (float("inf"), "-"), (float("nan"), "-"),
    ],
)  # fmt: skip
def test_sensible_digits(value: float | None, text: str) -> None:
    """Three significant digits, no trailing zeros, no exponent; what was not measured is a dash."""
    assert number(value) == text


def test_a_missing_value_has_no_unit() -> None:
    """A dash, not "- ms"."""
    assert (with_unit(20.0, "ms"), with_unit(None, "ms")) == ("20 ms", "-")


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 5, "0 %"), (5, 5, "100 %"), (1, 3, "33 %"), (1, 1000, "< 1 %"), (999, 1000, "> 99 %"), (150, 100, "150 %"),
     (1, 0, "-"), (None, 5, "-"), (5, None, "-")],
)  # fmt: skip
def test_a_rest_is_never_rounded_away(part: float | None, whole: float | None, text: str) -> None:
    """One failure in a thousand is neither 0 % nor is the remainder 100 %."""
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [(0.99, "99 %"), (0.9995, "99.95 %"), (0.5, "50 %"), (0.000534, "0.053 %"), (5.6e-6, "0.00056 %"), (0.0, "0 %"),
     (1.25, "125 %"), (12.0, "1,200 %"), (None, "-"), (float("nan"), "-")],
)  # fmt: skip
def test_small_shares_and_strict_promises_keep_their_digits(part: float | None, text: str) -> None:
    """Neither is rounded to all or nothing."""
    assert percent(part) == text


def budget(burnt: float, outages_a_month: float | None) -> dict[str, float | None]:
    return {"objective": 0.99, "burnt": burnt, "month_share": 0.1, "outages_a_month": outages_a_month}


@pytest.mark.parametrize(
    ("a_month", "text"),
    [(0.99, "not one"), (1.99, "1"), (827.8, "827"), (1873.9, "1,870"), (17377.0, "17,300"), (None, "-")],
)
def test_only_whole_outages_can_be_afforded(a_month: float | None, text: str) -> None:
    """Rounded down, to no more digits than one run knows."""
    assert outages(budget(60.0, a_month)) == text
    assert outages(budget(0.0, None)) == "any number"


def test_the_error_budget_in_words() -> None:
    """What was burnt, and how often that could be."""
    assert budget_text(budget(61.56, 1873.9)) == (
        "burnt 61.6 x what the objective of 99 % allows in that time; 1,870 outages like this a month can afford"
    )
    assert budget_text(budget(100.0, None)) == "burnt 100 x what the objective of 99 % allows in that time"
    assert budget_text(budget(0.0, None)) == "burnt nothing of the error budget"


def test_an_unknown_word_decides_nothing() -> None:
    """A verdict that is missing or new is not taken for support."""
    assert verdict_word({}) == verdict_word({"verdict": "unknown"}) == "Unknown: this run decides nothing."
    assert verdict_word({"verdict": "supported"}).startswith("Supported")


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        ("supported", "Supported, for the 2 of 8 arms that ran: the prediction held."),
        ("refuted", "Refuted, for the 2 of 8 arms that ran: the prediction did not hold."),
        ("unknown", "Unknown: this run decides nothing."),
    ],
)
def test_a_run_of_some_arms_speaks_of_those(verdict: str, text: str) -> None:
    """What did not run is claimed nothing of."""
    partial = {"verdict": verdict, "arms": [{}] * 2, "arms_defined": ["a"] * 8}
    assert verdict_word(partial) == text
    assert verdict_word({**partial, "arms_defined": ["a"] * 2}).count("arms") == 0
