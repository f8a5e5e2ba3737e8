"""Parts that the experiment kills: on time, back soon, and not held against the run while they are dead."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.faults import Kill, Signature
from tests.analysis.arms import LABELS, OUTCOMES, examined, healthy, not_ok

CRASH = Kill(
    part="catalog-1",
    at_s=1.0,
    for_s=2.0,
    signature=Signature(metric=OUTCOMES, labels=LABELS, ratio_max=1),
)


def noted(start_s: float, end_s: float | None) -> list[dict[str, Any]]:
    return [{"arm": "none", "kind": "kill", "text": CRASH.text, "start_s": start_s, "end_s": end_s, "at": CRASH.part}]


@pytest.mark.parametrize(
    ("start_s", "end_s", "ok"),
    [
        (6.0, 8.0, True),
        (6.0, 9.5, True),  # It took a while to be ready.
        (6.25, 8.5, True),
        (6.5, 8.0, False),
        (6.0, 10.5, False),
        (6.0, 7.5, False),  # Back too soon.
        (6.0, None, False),
    ],
)
def test_a_kill_comes_on_time_and_is_over_soon_after(start_s: float, end_s: float | None, *, ok: bool) -> None:
    """When it was killed is exact, when it is ready again is its own affair, within two seconds."""
    found = examined(faults=(CRASH,), faults_recorded=noted(start_s, end_s))
    assert not_ok(found) == (set() if ok else {"fault_on_time"})


@pytest.mark.parametrize(("missing", "ok"), [(range(6, 9), True), (range(6, 13), False)])
def test_what_is_dead_cannot_be_scraped(missing: range, *, ok: bool) -> None:
    """So long as it was meant to be, and the time to come back; longer is a gap like any other."""
    gaps = [one for one in healthy() if one["process"] != "catalog-1" or int(one["t_s"]) not in missing]
    found = examined(samples=gaps, faults=(CRASH,), faults_recorded=noted(6.0, 8.5))
    assert not_ok(found) == (set() if ok else {"scrapes"})


def test_others_are_not_excused() -> None:
    """Only the part that was killed."""
    gaps = [one for one in healthy() if one["process"] != "catalog-1" or int(one["t_s"]) not in range(6, 9)]
    elsewhere = replace(CRASH, part="payment")
    found = examined(
        samples=gaps, faults=(elsewhere,), faults_recorded=[{**noted(6.0, 8.0)[0], "text": elsewhere.text}]
    )
    assert not_ok(found) == {"scrapes"}
