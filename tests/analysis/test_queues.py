"""Queues: exact numbers on metrics small enough to check by hand. Fault from 5 to 9 s, hold to 19 s."""

from typing import Any

import pytest

from rulezero.analysis.figures import windows_of
from rulezero.analysis.queues import backlog, by_slice, downs, queues
from tests.analysis.frames import manifest, metrics, sample

WINDOWS = windows_of(manifest())
MAILS = 'queue="mails"'
SLOTS = 'resource="slots"'
Samples = list[dict[str, Any]]


def told(*depths: tuple[float, float], age_s: float = 0.5, process: str = "checkout") -> Samples:
    """Return depths by second, and ages that are a constant of the depth."""
    return [
        one
        for t_s, depth in depths
        for one in (
            sample(t_s, "queue_depth", depth, MAILS, process=process),
            sample(t_s, "queue_oldest_message_age_seconds", depth * age_s, MAILS, process=process),
        )
    ]


def counted(name: str, label: str, *counts: tuple[float, float], process: str = "checkout") -> Samples:
    return [sample(t_s, f"messages_{name}_total", count, f"{MAILS},{label}", process=process) for t_s, count in counts]


def figures(*samples: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found = queues(metrics(*samples), manifest(**changes), WINDOWS, "none")
    (name,) = found
    assert name == "mails"
    return found["mails"]


def test_depth_and_age_are_taken_at_the_ends() -> None:
    """As they were told last; the greatest is that from the fault on."""
    found = figures(*told((2, 500), (8, 40), (10, 80), (12, 90), (18, 4)))
    assert found["depth"] == {"fault_end": 40, "hold_end": 4, "max": 90}
    assert found["oldest_s"] == {"fault_end": 20, "hold_end": 2, "max": 45}


def test_publishers_tell_of_one_queue() -> None:
    """The one that looked last has the most of a growing one."""
    found = figures(*told((9, 40)), *told((9, 50), process="checkout-2"))
    assert found["depth"]["fault_end"] == 50


@pytest.mark.parametrize(
    ("after", "drained_s"),
    [
        (((10, 300), (12, 100), (13, 20), (14, 400)), 4.0),  # The first time: what comes after it is another backlog.
        (((10, 300), (18, 21)), None),
        ((), None),
    ],
)
def test_a_backlog_is_gone_when_a_twentieth_is_left(
    after: tuple[tuple[float, float], ...], drained_s: float | None
) -> None:
    """Of the 400 at the end of the fault 20, counted from there."""
    assert figures(*told((4, 3), (9, 400), *after))["drained_s"] == drained_s


@pytest.mark.parametrize(("before", "then"), [(3, 9), (3, 10), (60, 50)])
def test_what_is_always_there_is_no_backlog(before: float, then: float) -> None:
    """A few messages, or as many as before the fault."""
    assert figures(*told((4, before), (9, then), (10, then)))["drained_s"] == 0


def test_rates_are_by_phase_and_what_became_of_the_messages() -> None:
    """Baseline 4 s, fault 4 s, hold 10 s; refused is the share of the second half of the fault."""
    found = figures(
        *told((9, 1)),
        *counted("published", 'result="accepted"', (1, 10), (5, 50), (7, 60), (9, 62), (19, 82)),
        *counted("published", 'result="refused"', (1, 0), (5, 0), (7, 2), (9, 8), (19, 8)),
        *counted("processed", 'result="applied"', (1, 0), (5, 40), (9, 48), (19, 58), process="mailer"),
        *counted("delivered", 'redelivered="false"', (1, 10), (19, 60), process="mailer"),
        *counted("delivered", 'redelivered="true"', (8, 0), (19, 7), process="mailer"),
    )
    assert found["published_rps"]["accepted"] == {"baseline": 10, "fault": 3, "hold": 2}
    assert found["published_rps"]["refused"] == {"baseline": 0, "fault": 2, "hold": 0}
    assert found["published_rps"]["failed"] == {"baseline": 0, "fault": 0, "hold": 0}
    assert found["applied_rps"] == {"baseline": 10, "fault": 2, "hold": 1}
    assert found["refused_share"] == 6 / 8
    assert (found["delivered"], found["redelivered"]) == (67, 7)


def test_capacity_is_that_of_the_consumers_slots_in_each_phase() -> None:
    """Whoever receives is a consumer; other services with slots are none. It goes by what a message takes."""

    def held(process: str, *counts: tuple[float, float, float]) -> Samples:
        return [
            one
            for t_s, count, total_s in counts
            for one in (
                sample(t_s, "concurrency_hold_seconds_count", count, SLOTS, process=process),
                sample(t_s, "concurrency_hold_seconds_sum", total_s, SLOTS, process=process),
                sample(t_s, "concurrency_limit", 4, SLOTS, process=process),
            )
        ]

    found = figures(
        *told((9, 1)),
        *counted("delivered", 'redelivered="false"', (1, 10), process="mailer"),
        *held("mailer", (1, 0, 0), (5, 40, 2), (9, 50, 4), (19, 50, 4)),
        *held("checkout", (1, 0, 0), (5, 40, 400), (9, 50, 500), (19, 50, 500)),
    )
    assert found["capacity_rps"] == {"baseline": pytest.approx(80), "fault": pytest.approx(20), "hold": None}


def killed(part: str, start_s: float, end_s: float | None, *, arm: str = "none", kind: str = "kill") -> dict[str, Any]:
    return {"arm": arm, "kind": kind, "text": "x", "start_s": start_s, "end_s": end_s, "at": part}


def test_a_consumer_that_was_killed_was_down() -> None:
    """In this arm, and nobody else; others that were killed were no consumers of this queue."""
    samples = (*told((9, 1)), *counted("delivered", 'redelivered="false"', (1, 10), process="mailer"))
    faults = [
        killed("mailer", 6.0, 8.5),
        killed("mailer", 5.0, 5.5),
        killed("mailer", 6.0, 8.5, arm="all"),
        killed("checkout", 6.0, 8.5),
        killed("mailer", 6.0, 8.5, kind="toxic"),
        killed("mailer", 9.0, None),
    ]
    assert figures(*samples, faults=faults)["down_s"] == 3.0
    assert downs(metrics(*samples), manifest(faults=faults), "none", "mails") == [(5.0, 5.5), (6.0, 8.5)]
    assert figures(*samples)["down_s"] == 0


def test_without_a_queue_there_is_nothing() -> None:
    """Nor of an arm that left no metrics."""
    assert queues(metrics(sample(1, "other", 1)), manifest(), WINDOWS, "none") == {}
    assert queues(metrics(), manifest(), WINDOWS, "none") == {}
    assert backlog(metrics()).is_empty()


def test_what_was_told_is_a_row_each_time() -> None:
    """Depth and age side by side, of all arms and queues."""
    other = {**sample(9, "queue_depth", 3, 'queue="letters"'), "arm": "all"}
    found = backlog(metrics(*told((9, 40), (8, 20)), other))
    assert found.rows() == [
        ("all", "letters", 9.0, 3.0, None), ("none", "mails", 8.0, 20.0, 10.0), ("none", "mails", 9.0, 40.0, 20.0),
    ]  # fmt: skip


def test_slices_hold_what_was_told_last() -> None:
    """One that a scrape has missed is as the one before it; after two nobody knows any more."""
    found = by_slice(backlog(metrics(*told((1.1, 5), (1.9, 10), (4.05, 40), (8.5, 80)))), 1.0)
    assert found.select("t_s", "depth").rows() == [
        (1.0, 10.0), (2.0, 10.0), (3.0, 10.0), (4.0, 40.0), (5.0, 40.0), (6.0, 40.0), (7.0, None), (8.0, 80.0),
    ]  # fmt: skip
    assert by_slice(backlog(metrics()), 1.0).is_empty()
