"""Whether an arm stayed up, came back or stays down, and what is said to keep it there."""

from typing import Any

import pytest

from rulezero.analysis.metastability import longest_timeout_s, state


def figures(**changes: Any) -> dict[str, Any]:
    """Return an arm that lost everything in fault and hold."""
    return {
        "recovery_s": None,
        "lengths_s": {"baseline": 10.0, "fault": 2.0, "hold": 20.0},
        "goodput_rps": {"baseline": 99.0, "fault": 0.0, "hold": 0.0},
        "offered_rps": {"baseline": 100.0, "fault": 100.0, "hold": 100.0},
        "capacity_rps": {},
        "settled_attempts_rps": {},
        "dead_work": {},
        **changes,
    }


def word(*, timeout_s: float | None = 2.0, over: bool = True, **changes: Any) -> str:
    return str(state(figures(**changes), timeout_s=timeout_s, over=over)["state"])


def fault_goodput(rps: float) -> dict[str, float]:
    return {"baseline": 100.0, "fault": rps, "hold": 100.0}


@pytest.mark.parametrize(("rps", "found"), [(100.0, "robust"), (90.0, "robust"), (89.9, "recovered")])
def test_robust_is_who_never_lost_a_tenth(rps: float, found: str) -> None:
    """Neither in the fault nor in the first three seconds after it; who lost more was back at once."""
    assert word(recovery_s=0.0, goodput_rps=fault_goodput(rps)) == found


def test_a_dip_after_the_fault_is_a_recovery() -> None:
    """Whoever held out until the fault was over and stumbled then was not robust."""
    assert word(recovery_s=0.25, goodput_rps=fault_goodput(100.0)) == "recovered"


@pytest.mark.parametrize(("timeout_s", "found"), [(2.0, "metastable"), (2.001, "undecided"), (None, "undecided")])
def test_metastable_takes_a_hold_of_ten_timeouts(timeout_s: float | None, found: str) -> None:
    """After less, what was sent in the fault may still be the reason."""
    assert word(timeout_s=timeout_s) == found


def test_recovery_needs_no_long_hold() -> None:
    """Who is back is back."""
    assert word(timeout_s=100.0, recovery_s=4.5) == "recovered"


@pytest.mark.parametrize(
    "changes",
    [
        {"over": False},
        {"timeout_s": 0.0},
        {"goodput_rps": {"baseline": 0.0, "fault": 0.0, "hold": 0.0}},
        {"offered_rps": {"baseline": 100.0, "fault": 100.0, "hold": 0.0}},
        {"timeout_s": 0.1, "lengths_s": {"baseline": 10.0, "fault": 2.0, "hold": 2.9}},
    ],
)
def test_where_nobody_can_say(changes: dict[str, Any]) -> None:
    """Cut off, without timeouts, never well, nothing asked in the hold, or one shorter than the rule's stretch."""
    assert word(**changes) == "undecided"


def test_the_gain_is_that_of_the_worst_link() -> None:
    """Attempts over what the service behind the link can do; a link ends with its service, which may have dashes."""
    attempts = {
        "edge-catalog": {"baseline": 140.0, "fault": 0.0, "hold": 257.4},
        "edge-checkout": {"baseline": 10.0, "fault": 10.0, "hold": 10.0},
        "catalog-primary": {"baseline": 1.0, "fault": 1.0, "hold": 9999.0},
        "pay-in-pay-out": {"baseline": 1.0, "fault": 1.0, "hold": 15.0},
    }
    told = state(
        figures(
            settled_attempts_rps=attempts,
            capacity_rps={"catalog": 143.0, "checkout": 100.0, "pay-out": 10.0, "out": 1.0},
        ),
        timeout_s=2.0,
    )
    assert (told["gain"], told["gain_link"]) == (pytest.approx(1.8), "edge-catalog")
    assert told["hold_timeouts"] == 10


def test_the_waste_is_that_of_the_worst_service() -> None:
    """A service that held no slot in the hold has no share."""
    work = {name: {"share": {"hold": share}} for name, share in (("edge", None), ("catalog", 0.62), ("checkout", 0.1))}
    told = state(figures(dead_work=work), timeout_s=2.0)
    assert (told["wasted_share"], told["wasted_service"]) == (0.62, "catalog")


def test_without_capacities_or_slots_nothing_is_said() -> None:
    """Not a gain of 0, and no name."""
    told = state(figures(settled_attempts_rps={"edge-catalog": {"hold": 9.0}}), timeout_s=None)
    assert [told[key] for key in ("gain", "gain_link", "wasted_share", "wasted_service", "hold_timeouts")] == [None] * 5


@pytest.mark.parametrize(
    ("streams", "bursts", "found"),
    [([1.0, 2.1], [6.0], 6.0), ([1.0, 2.1], [2.0], 2.1), ([], [6.0, 3.0], 6.0), ([], [], None)],
)
def test_the_most_patient_client(streams: list[float], bursts: list[float], found: float | None) -> None:
    """Of streams and crowds: who waits for six seconds is a backlog for so long."""
    loads = [[{"deadline_s": one} for one in part] for part in (streams, bursts)]
    assert longest_timeout_s({"streams": loads[0], "bursts": loads[1]}) == found
