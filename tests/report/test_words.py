"""Numbers as people read them."""

import pytest

from rulezero.report.words import number, share, verdict_word, with_unit


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
