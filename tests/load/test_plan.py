import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rulezero.errors import UsageProblem
from rulezero.experiment import Burst, ClosedUser, Durations, Keys, Stream
from rulezero.load.plan import LoadPlan, decode, encode, read_plan

PLAN = LoadPlan(
    seed=1,
    host="http://127.0.0.1:8000",
    windows=Durations(warmup_s=1, baseline_s=2, fault_s=3, hold_s=4).windows(),
    streams=(
        Stream(route="browse", rate_rps=100, keys=Keys(low=1, high=10, skew=1.0)),
        Stream(route="checkout", rate_rps=5),
    ),
    bursts=(Burst(route="browse", at_s=0.5, count=10, key=3),),
    closed=(ClosedUser(route="browse", think_s=0.1),),
    rows_path="rows.csv",
    generator_path="generator.csv",
    run_id="test",
)


def test_a_plan_survives_being_written_and_read() -> None:
    """The generator gets exactly what the runner meant."""
    assert decode(encode(PLAN)) == PLAN


def test_a_plan_knows_its_instants() -> None:
    """Phases, the load's length and a burst's instant count from time 0."""
    assert PLAN.duration_s == 10
    assert PLAN.burst_due_s(PLAN.bursts[0]) == 3.5
    assert [PLAN.phase_at(at_s) for at_s in (0, 0.99, 1, 3, 6, 9.9, 10)] == [
        "warmup", "warmup", "baseline", "fault", "hold", "hold", "hold",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"host": "http://example.com"}, "example.com is not this machine"),
        ({"windows": ()}, "windows must follow"),
        ({"windows": (("warmup", 0.0, 2.0), ("fault", 3.0, 4.0))}, "windows must follow"),
        ({"windows": (("warmup", 1.0, 2.0),)}, "windows must follow"),
        ({"windows": (("fault", 0.0, -1.0),)}, "windows must follow"),
        ({"windows": (("fault", 0.0, float("inf")),)}, "windows must follow"),
        ({"windows": (("baseline", 0.0, 4.0),)}, "burst of browse lies outside"),
        ({"bursts": (Burst(route="browse", at_s=3.5, count=1, key=1),)}, "burst of browse lies outside"),
        ({"streams": (PLAN.streams[0], PLAN.streams[0])}, "two streams of one route"),
        ({"streams": (Stream(route="a,b", rate_rps=1),)}, "route 'a,b'"),
        ({"streams": (Stream(route="a", rate_rps=1, keys=Keys(low=2, high=1)),)}, "keys 2 to 1 of a"),
        ({"closed": (ClosedUser(route="a,b"),)}, "route 'a,b'"),
        ({"closed": (ClosedUser(route="a", keys=Keys(low=2, high=1)),)}, "keys 2 to 1 of a"),
        ({"streams": (Stream(route="a", rate_rps=1e9),)}, "a would send"),
        ({"streams": (Stream(route="a", rate_rps=float("nan")),)}, "a would send"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused_in_one_line(change: dict[str, Any], named: str) -> None:
    """The line names what is wrong, before anything is started."""
    with pytest.raises(UsageProblem, match=named) as problem:
        encode(replace(PLAN, **change))
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": "one"}, r"\$.seed"),
        ({"in_flight_max": 0}, r"\$.in_flight_max"),
        ({"sample_rate": 1.5}, r"\$.sample_rate"),
        ({"metrics_port": 0}, r"\$.metrics_port"),
        ({"metrics_port": 65536}, r"\$.metrics_port"),
        ({"streams": [{"route": "browse", "rate_rps": -1}]}, r"\$.streams\[0\].rate_rps"),
        ({"windows": [["lunch", 0, 1]]}, r"\$.windows\[0\]"),
        ({"host": "http://example.com"}, "example.com"),
    ],
)
def test_a_malformed_field_is_named(change: dict[str, Any], named: str) -> None:
    """A plan edited by hand is checked as one from the runner is."""
    fields = {**json.loads(encode(PLAN)), **change}
    with pytest.raises(UsageProblem, match=named):
        decode(json.dumps(fields))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_plan_is_refused(text: bytes) -> None:
    """Torn or foreign text is a usage problem, not a crash."""
    with pytest.raises(UsageProblem, match="load plan"):
        decode(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path is in the line."""
    with pytest.raises(UsageProblem, match=r"nowhere\.json: No such file"):
        read_plan(tmp_path / "nowhere.json")
