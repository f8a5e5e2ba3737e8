"""Watch: the phase, the time left and live goodput, from the rows as they are written."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rulezero.checkout import load_experiment
from rulezero.load import LiveTail
from rulezero.load.rows import HEADER
from rulezero.moment import Moment
from rulezero.runner.progress import PERIOD_S, Watch


class Told:
    """Keeps every moment it is told of."""

    def __init__(self) -> None:
        self.moments: list[dict[str, Any]] = []

    def update(self, moment: Moment) -> None:
        self.moments.append(asdict(moment))


def line(intended_s: float, outcome: str) -> str:
    return f"{intended_s},{intended_s},10.0,browse,1,normal,fault,{outcome},200,1,,,stream\n"


async def watched(
    rows: Path,
    for_s: float,
    *,
    zero_s: float = 0.0,
    left_after_s: float = 0.0,
    states: Mapping[tuple[str, str], float] | None = None,
) -> list[dict[str, Any]]:
    told = Told()
    experiment = load_experiment("cascading_failure")
    watch = Watch(
        told, LiveTail(rows), experiment, arm="none", zero_s=zero_s, left_after_s=left_after_s, states=states or {}
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(for_s):
            await watch.run()
    return told.moments


async def test_phases_follow_the_clock(tmp_path: Path) -> None:
    """Twice a second; each phase begins at its instant, and the last one stays while the last answers come in."""
    moments = await watched(tmp_path / "rows.csv", 37.2)
    assert len(moments) == int(37.2 / PERIOD_S) + 1
    began: dict[str, float] = {}
    for number, moment in enumerate(moments):
        began.setdefault(moment["phase"], number * PERIOD_S)
    assert began == {"warmup": 0.0, "baseline": 3.0, "fault": 10.0, "hold": 20.0}
    assert moments[-1]["elapsed_s"] == 34
    assert moments[-1]["remaining_s"] == 0
    assert [moment["phase_left_s"] for moment in moments[:3]] == [3.0, 2.5, 2.0]
    assert moments[-1]["phase_left_s"] == 0


async def test_the_time_left_counts_the_arms_that_follow(tmp_path: Path) -> None:
    """Before the load begins it stands still."""
    moments = await watched(tmp_path / "rows.csv", 2.1, zero_s=1.0, left_after_s=68)
    assert [moment["remaining_s"] for moment in moments] == pytest.approx([102, 102, 102, 101.5, 101])
    assert moments[0]["offered_rps"] == 120


async def test_goodput_is_of_the_last_second(tmp_path: Path) -> None:
    """Read from the file; before the first answer it is not known, and after it 0 is 0."""
    rows = tmp_path / "rows.csv"
    rows.write_text(
        HEADER + "".join(line(1.0 + number / 100, "ok") for number in range(40)) + line(1.1, "timeout") * 3,
        encoding="utf-8",
    )
    moments = await watched(rows, 2.1)
    assert (moments[0]["goodput_rps"], moments[0]["failing"]) == (None, {})
    assert (moments[-1]["goodput_rps"], moments[-1]["failing"]) == (40.0, {"timeout": 3})
    assert (moments[0]["p99_ms"], moments[-1]["p99_ms"]) == (None, 10.0)
    assert (await watched(rows, 6.0))[-1]["goodput_rps"] == 0.0
    assert (await watched(tmp_path / "none.csv", 0.1))[0]["goodput_rps"] is None


async def test_breakers_are_told_as_they_were_last_scraped(tmp_path: Path) -> None:
    """By the process that has one and what it guards."""
    states = {("edge", 'dependency="catalog"'): 0.0, ("checkout", 'dependency="payment"'): 2.0, ("x", ""): 7.0}
    (moment,) = await watched(tmp_path / "rows.csv", 0.1, states=states)
    assert moment["breakers"] == {"checkout to payment": "open", "edge to catalog": "closed", "x to ": "unknown"}
