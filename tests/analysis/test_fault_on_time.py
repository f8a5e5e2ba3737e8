"""Lasting faults come and go when they should: each kind, both ends, and those that never did."""

from dataclasses import replace
from typing import Any

import pytest

from rulezero.analysis.validity import examine
from rulezero.faults import Fault, Signature, Statement
from tests.analysis.arms import HANGS, LABELS, OUTCOMES, examined, experiment, lasted, not_ok, observed
from tests.analysis.frames import manifest

SLOW = Statement(
    text="answers are slow",
    apply_sql="a",
    revert_sql="b",
    signature=Signature(metric=OUTCOMES, labels=LABELS, ratio_max=1),
)


SHORT = replace(HANGS, at_s=1.0, for_s=2.0)


@pytest.mark.parametrize(
    ("fault", "start_s", "end_s", "late_s"),
    [
        (HANGS, 5.0, 9.0, 0.0),
        (HANGS, 5.25, 9.125, 0.25),
        (HANGS, 5.5, 9.0, 0.5),
        (HANGS, 5.0, 9.5, 0.5),
        (HANGS, 4.5, 9.0, 0.5),
        (HANGS, 5.0, 8.0, 1.0),
        (SHORT, 6.0, 8.125, 0.125),
        (SHORT, 6.0, 9.0, 1.0),
        (SHORT, 5.0, 8.0, 1.0),
        (SLOW, 5.125, 9.0, 0.125),
        (SLOW, 5.0, 9.5, 0.5),
    ],
)
def test_a_fault_comes_and_goes_on_time(fault: Fault, start_s: float, end_s: float, late_s: float) -> None:
    """Within a quarter of a second of its plan, at both ends, whatever it is."""
    found = examined(faults=(fault,), faults_recorded=lasted(fault, start_s=start_s, end_s=end_s))
    assert not_ok(found) == (set() if late_s <= 0.25 else {"fault_on_time"})
    assert found["fault_on_time"].measured == late_s
    assert found["fault_on_time"].text == f"{fault.text}: up to {late_s:.2f} s off (limit 0.25)"


@pytest.mark.parametrize(
    "recorded", [lasted(HANGS, end_s=None), [], lasted(HANGS, arm="all"), lasted(SLOW)],
    ids=["never ended", "never came", "in another arm", "another fault"],
)  # fmt: skip
def test_a_fault_that_stays_or_never_came_is_not_on_time(recorded: list[dict[str, Any]]) -> None:
    """It is off by everything, for which there is no number."""
    found = examined(faults_recorded=recorded)
    assert not_ok(found) == {"fault_on_time"}
    assert found["fault_on_time"].measured is None


@pytest.mark.parametrize(("second_s", "ok"), [(7.0, True), (7.5, False)])
def test_a_fault_that_comes_twice_is_looked_at_twice(second_s: float, *, ok: bool) -> None:
    """A link that flaps: each time is held against its own plan."""
    flaps = tuple(replace(HANGS, at_s=at_s, for_s=1.0) for at_s in (0.0, 2.0))
    recorded = lasted(HANGS, start_s=5.0, end_s=6.0) + lasted(HANGS, start_s=second_s, end_s=second_s + 1)
    seen = list(examine(experiment(*flaps), observed(), manifest(faults=recorded)))
    assert [one.ok for one in seen if one.name == "fault_on_time"] == [True, ok]
