"""Predictions beside measurements: their bands, what they are given, and what they do to the verdict."""

import pytest

from rulezero.experiment import Figures, Prediction
from tests.analysis.records import experiment, judged, prediction


@pytest.mark.parametrize(
    ("predicted", "measured", "within"),
    [(10, 12.5, True), (10, 7.5, True), (10, 12.6, False), (10, 7.4, False), (None, 3, None), (10, None, None)],
)
def test_predictions(predicted: float | None, measured: float | None, *, within: bool | None) -> None:
    """Within a quarter of what was predicted; unknown when one of the two is."""
    verdict = judged(on=experiment(predictions=(prediction(predicted, measured),)))
    (told,) = verdict["arms"][0]["predictions"]
    assert (told["predicted"], told["measured"], told["within"], told["band"]) == (predicted, measured, within, 0.25)
    assert verdict["arms"][1]["predictions"] == []


@pytest.mark.parametrize(
    ("predicted", "measured", "word"),
    [
        (10, 12.5, "supported"),
        (10, 12.6, "unknown"),
        (10, 7.4, "unknown"),
        (10, None, "unknown"),
        (None, 10, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_a_figure_outside_its_band_is_not_understood(
    predicted: float | None, measured: float | None, word: str
) -> None:
    """Although every check held; what cannot be said supports nothing either, and the sentence names both."""
    verdict = judged(on=experiment(predictions=(prediction(predicted, measured),)))
    assert (verdict["valid"], verdict["verdict"]) == (True, word)
    told = " Outside the predicted band, or not measured: none: loads."
    assert verdict["summary"].endswith(told) is (word == "unknown")


def test_a_prediction_of_an_arm_that_did_not_run_is_not_asked() -> None:
    """So that a run of two arms can be supported."""
    assert judged(on=experiment(predictions=(prediction(10, None, arm="retry"),)))["verdict"] == "supported"


def test_a_check_that_did_not_hold_refutes_whatever_was_predicted() -> None:
    """The claim comes before the figures."""
    bad = {"none": range(5, 14), "all": range(5, 14)}
    assert judged(bad, on=experiment(predictions=(prediction(10, 20),)))["verdict"] == "refuted"


@pytest.mark.parametrize(("bad", "measured"), [(range(5, 11), 2.0), (range(5, 19), None)])
def test_a_recovery_is_predicted_even_where_there_was_none(bad: range, measured: float | None) -> None:
    """An arm that never came back has no seconds to compare."""
    one = Prediction(
        arm="none", name="s", formula="2", predicted=lambda _: 2.0, measured=lambda figures: figures["recovery_s"]
    )
    (told,) = judged({"none": bad, "all": range(0)}, on=experiment(predictions=(one,)))["arms"][0]["predictions"]
    assert (told["measured"], told["within"]) == (measured, None if measured is None else True)


def test_predictions_see_the_figures_of_their_arm() -> None:
    """The functions are given what the verdict says of the arm."""

    def goodput(figures: Figures) -> float:
        return float(figures["goodput_rps"]["hold"])

    one = Prediction(arm="all", name="goodput", formula="offered", predicted=lambda _: 4.0, measured=goodput)
    verdict = judged(on=experiment(predictions=(one,)))
    assert verdict["arms"][1]["predictions"][0]["within"] is True


def test_predictions_see_the_arrivals_of_their_arm() -> None:
    """From the fault at 5 s to the end of the hold at 19 s, four a second; they are no part of the verdict."""
    seen: list[list[float]] = []

    def first(figures: Figures) -> float:
        seen.append(list(figures["arrivals_s"]))
        return 1.0

    one = Prediction(arm="all", name="arrivals", formula="1", predicted=first, measured=first)
    arm = judged(on=experiment(predictions=(one,)))["arms"][1]
    assert arm["predictions"][0]["within"] is True
    assert "arrivals_s" not in arm
    assert [len(arrivals_s) for arrivals_s in seen] == [14 * 4] * 2
    assert [seen[0][0], seen[0][-1]] == pytest.approx([0.05, 13.8])
