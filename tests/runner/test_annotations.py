"""Annotations: what a run draws on Grafana, and that it goes on without."""

from typing import Any

import pytest

from rulezero.collect.grafana import Grafana
from rulezero.lab.proxies import reach_loopback_directly
from rulezero.runner.annotations import Annotations
from tests.collect.grafana_server import FakeGrafana, serving

WINDOWS = (("warmup", 0.0, 3.0), ("baseline", 3.0, 10.0), ("fault", 10.0, 20.0), ("hold", 20.0, 34.0))
FAULTS = (
    {"text": "payment hangs", "kind": "toxic", "start_s": 10.1, "end_s": 20.05},
    {"text": "item:1 expires", "kind": "expiry", "start_s": 12.0, "end_s": None},
)
BEGAN_S = 1_795_000_000.0


@pytest.fixture(autouse=True)
def _directly() -> None:
    reach_loopback_directly()


def drawn(fake: FakeGrafana, kind: str) -> list[dict[str, Any]]:
    """Return the regions of a kind, in seconds since the arm began."""
    return [
        {"text": one["text"], "from_s": one["time"] / 1000 - BEGAN_S, "to_s": one["timeEnd"] / 1000 - BEGAN_S}
        for one in fake.annotations.values()
        if kind in one["tags"]
    ]


@pytest.mark.wall_clock
async def test_regions_of_an_arm_that_ran_to_its_end() -> None:
    """Arm, phases and faults, each with its tags; what happens at an instant has no length."""
    told: list[str] = []
    with serving(FakeGrafana()) as fake:
        annotations = Annotations(Grafana(fake.url), "cascading_failure", told.append)
        assert await annotations.reach() == fake.url
        mark = await annotations.begin("arm", "none", BEGAN_S, BEGAN_S + 34)
        assert drawn(fake, "arm") == [{"text": "none", "from_s": 0, "to_s": 34}]
        await annotations.end(mark, BEGAN_S + 36)
        await annotations.add_parts(WINDOWS, FAULTS, began_s=BEGAN_S, ended_s=BEGAN_S + 36)
    assert drawn(fake, "arm") == [{"text": "none", "from_s": 0, "to_s": 36}]
    assert [(one["text"], one["from_s"], one["to_s"]) for one in drawn(fake, "phase")] == list(WINDOWS)
    assert [(one["text"], one["to_s"] - one["from_s"]) for one in drawn(fake, "fault")] == [
        ("payment hangs", pytest.approx(9.95, abs=0.01)), ("item:1 expires", 0),
    ]  # fmt: skip
    tags = {tuple(one["tags"]) for one in fake.annotations.values()}
    assert {one[:3] for one in tags} == {("rulezero", kind, "cascading_failure") for kind in ("arm", "phase", "fault")}
    assert told == []


@pytest.mark.wall_clock
async def test_an_arm_that_ended_early_has_no_phases_that_never_were() -> None:
    """The one that it ended in ends with it."""
    with serving(FakeGrafana()) as fake:
        annotations = Annotations(Grafana(fake.url), "cascading_failure", lambda _: None)
        await annotations.add_parts(WINDOWS, (), began_s=BEGAN_S, ended_s=BEGAN_S + 8)
    assert [(one["text"], one["from_s"], one["to_s"]) for one in drawn(fake, "phase")] == [
        ("warmup", 0, 3), ("baseline", 3, 8),
    ]  # fmt: skip


@pytest.mark.wall_clock
async def test_a_refusal_costs_one_warning_and_no_second_try() -> None:
    """However much there would be to draw."""
    told: list[str] = []
    with serving(FakeGrafana()) as fake:
        annotations = Annotations(Grafana(fake.url), "cascading_failure", told.append)
        mark = await annotations.begin("experiment", "Does it?", BEGAN_S, BEGAN_S + 34)
        fake.status = 401
        await annotations.end(mark, BEGAN_S + 36)
        await annotations.end(mark, BEGAN_S + 37)
        await annotations.add_parts(WINDOWS, FAULTS, began_s=BEGAN_S, ended_s=BEGAN_S + 36)
        assert await annotations.reach() == ""
    assert len(fake.asked) == 2
    (line,) = told
    assert line.endswith("this run goes on without annotations")


async def test_without_a_grafana_nothing_is_done() -> None:
    """As in most runs."""
    annotations = Annotations(None, "cascading_failure", lambda line: pytest.fail(line))
    assert await annotations.reach() == ""
    mark = await annotations.begin("arm", "none", BEGAN_S, BEGAN_S + 34)
    await annotations.end(mark, BEGAN_S + 36)
    await annotations.add_parts(WINDOWS, FAULTS, began_s=BEGAN_S, ended_s=BEGAN_S + 36)
