"""A manifest that somebody cut or edited is refused in one line that names the place."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.analysis.judge import judge
from rulezero.analysis.manifest import require_judgeable
from rulezero.errors import UsageProblem
from rulezero.experiment import Prediction
from tests.analysis.frames import WINDOWS, manifest
from tests.analysis.records import experiment, record


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"host": {}}, "missing required field `cores` - at `$.host`"),
        ({"host": {"cores": 0}}, "`$.host.cores`"),
        ({"streams": ["browse"]}, "`$.streams[0]`"),
        ({"interrupted": None}, "`$.interrupted`"),
        ({"arms": [{"name": "none", "defences": [1]}]}, "`$.arms[0].defences[0]`"),
        ({"arms": [{"name": "none", "defences": []}] * 2}, "an arm is there twice"),
        ({"arms": [{"name": "none", "defences": [], "origin_total": 3}]}, "their total and their operation"),
        ({"exits": [{"arm": "none", "part": "edge", "status": "", "log_tail": ["boom"]}]}, "`$.exits[0].log_tail`"),
        ({"windows": WINDOWS[:3]}, "the phases must be warmup, baseline, fault, hold"),
        ({"windows": [*WINDOWS[:3], ["hold", 9.0, 9.0]]}, "phases must follow one another"),
        ({"windows": [*WINDOWS[:3], ["hold", 2.0, 19.0]]}, "phases must follow one another"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, Any], place: str) -> None:
    """The folder, the key, the remedy."""
    with pytest.raises(UsageProblem) as told:
        require_judgeable(record(**changes))
    assert str(told.value).startswith("runs/sample/manifest.json: ")
    assert place in str(told.value)
    assert str(told.value).endswith("; run the experiment again")


def test_more_than_what_is_needed_is_no_problem() -> None:
    """Records of other versions have other keys."""
    require_judgeable(record(tomorrow={"a": 1}, host={"cores": 2, "moons": "one"}))


@pytest.mark.parametrize("key", [key for key in manifest() if key not in {"experiment"}])
def test_every_key_that_is_read_is_asked_for(key: str) -> None:
    """A judge who looks up a key that nobody checked would end in a traceback."""
    whole = record()
    less = replace(whole, manifest={name: value for name, value in whole.manifest.items() if name != key})
    with pytest.raises(UsageProblem, match=f"missing required field `{key}`"):
        judge(less, experiment())


def test_an_experiment_that_asks_for_more_than_was_recorded() -> None:
    """Its definition changed since: a route that was renamed is told, not raised."""
    asks = Prediction(
        arm="none",
        name="orders",
        formula="1",
        predicted=lambda figures: figures["routes"]["order"]["offered_rps"]["fault"],
        measured=lambda _: 1.0,
    )
    with pytest.raises(UsageProblem, match="runs/sample has no 'order', which sample goes by today"):
        judge(record(), replace(experiment(), predictions=(asks,)))
