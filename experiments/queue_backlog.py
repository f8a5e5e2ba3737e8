"""Queue backlog: messages are accepted at once and worked on later, which may be never when the consumer falls behind.

Nothing fails while the mailer is slower than what it is sent: every request is answered well, and the oldest mail grows
older by the second. What was accepted outlives the fault until capacity - rate has worked it off. A bound on the queue
says no at the door instead, so that what is accepted arrives in time.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from rulezero.analysis.predict import backlog, drain_s, refused_share
from rulezero.analysis.queues import GONE_SHARE
from rulezero.checks import figure_within
from rulezero.experiment import Arm, Durations, Experiment, Figures, Prediction, Stream, Yardstick
from toxics import mailer_falls_behind

QUEUE = "mails"
RATE_RPS = 40.0
SLOTS = 4
SERVICE_S = 0.05
FAULT_S = 16.0
ACCEPTED_S = 5.0  # So old may a confirmation be.
BOUND = 40
PREFETCH = 500

SLOWER_S = mailer_falls_behind.SLOWER_S
MAILER = {"RULEZERO_SLOTS": str(SLOTS), "RULEZERO_SERVICE_S": str(SERVICE_S), "RULEZERO_SERVICE_CV": "0"}
BOUNDED: Mapping[str, Mapping[str, Any]] = {"bounded_stream": {"max_msgs": BOUND}}

Queue = Mapping[str, Any]


def _of_queue(figure: Callable[[Queue], float | None]) -> Callable[[Figures], float | None]:
    """Return the figure of the queue, None in an arm that left none."""

    def found(figures: Figures) -> float | None:
        queue = figures["queues"].get(QUEUE)
        return None if queue is None else figure(queue)

    return found


def _slow_rps(queue: Queue) -> float | None:
    """Go by the capacity of the baseline: the fault adds its latency to the time that a message holds a slot."""
    capacity_rps = queue["capacity_rps"]["baseline"]
    return SLOTS / (SLOTS / capacity_rps + SLOWER_S) if capacity_rps else None


def _offered_rps(queue: Queue, phase: str) -> float:
    return float(sum(rates[phase] for rates in queue["published_rps"].values()))


def _backlog(queue: Queue) -> float | None:
    slow_rps = _slow_rps(queue)
    if slow_rps is None:
        return None
    return backlog(_offered_rps(queue, "fault"), slow_rps, FAULT_S, down_s=queue["down_s"])


def _backlog_age_s(queue: Queue) -> float | None:
    depth, rate_rps = _backlog(queue), _offered_rps(queue, "fault")
    return None if depth is None or not rate_rps else depth / rate_rps


def _drain_s(queue: Queue) -> float | None:
    """Until the backlog counts as gone; by the time that messages hold a slot while it is worked off.

    One part in a hundred of the capacity moves it by a fortieth.
    """
    depth, capacity_rps = _backlog(queue), queue["capacity_rps"]["hold"]
    if depth is None or not capacity_rps:
        return None
    return drain_s(depth, _offered_rps(queue, "hold"), capacity_rps, share=1 - GONE_SHARE)


def _full_age_s(queue: Queue) -> float | None:
    slow_rps = _slow_rps(queue)
    return BOUND / slow_rps if slow_rps else None


def _refused(queue: Queue) -> float | None:
    slow_rps, rate_rps = _slow_rps(queue), _offered_rps(queue, "fault")
    return None if slow_rps is None or not rate_rps else refused_share(rate_rps, slow_rps)


def _duplicates(figures: Figures) -> float | None:
    count: float | None = figures["ledger"].get("duplicate_mails")
    return count


def _predicts(
    arm: str,
    name: str,
    formula: str,
    predicted: Callable[[Queue], float | None],
    measured: Callable[[Queue], float | None],
    band: float = 0.2,
) -> Prediction:
    return Prediction(
        arm=arm, name=name, formula=formula, predicted=_of_queue(predicted), measured=_of_queue(measured), band=band
    )


_oldest_s = _of_queue(lambda queue: queue["oldest_s"]["fault_end"])
CAPACITY_RPS = SLOTS / (SERVICE_S + SLOWER_S)

EXPERIMENT = Experiment(
    name="queue_backlog",
    question="The mailer can do half of what it is sent, and crashes once: who is told, and when do the mails arrive?",
    prediction=(
        f"Everything is accepted, {RATE_RPS - math.floor(CAPACITY_RPS):.0f} messages a second more than are worked "
        "off: at the end of the fault the oldest mail waits depth / rate, and the backlog outlives it by depth / "
        "(capacity - rate). A bounded stream refuses 1 - capacity / rate at the door, and what it takes waits no "
        "longer than bound / capacity. A worker that holds more than it can do before its messages are delivered "
        "again sends mails twice, and goes on falling behind when the fault is long over."
    ),
    streams=(
        Stream(route="receipt", rate_rps=RATE_RPS, deadline_s=1.0, crosses=("edge-checkout", "checkout-queue")),
    ),
    services={"mailer": MAILER},
    faults=mailer_falls_behind.FAULTS,
    durations=Durations(warmup_s=3, baseline_s=8, fault_s=FAULT_S, hold_s=20),
    arms=(
        Arm(name="unbounded"),
        Arm(name="bounded_stream", defences=("bounded_stream",), numbers=BOUNDED),
        Arm(name="greedy", services={"mailer": {"RULEZERO_PREFETCH": str(PREFETCH)}}),
    ),
    demo_arms=("unbounded", "bounded_stream"),
    # Whoever is told that a mail is on its way has an answer, and no mail yet.
    yardstick=Yardstick(
        name="greatest age of a message, seconds",
        figure=_of_queue(lambda queue: queue["oldest_s"]["max"]),
        chart="backlog",
        alone=True,
    ),
    checks=(
        figure_within(
            "unbounded", "seconds that the oldest message waits at the end of the fault", _oldest_s,
            at_least=ACCEPTED_S, control=True,
        ),
        figure_within(
            "unbounded", "messages delivered again (no more than its slots held in the crash)",
            _of_queue(lambda queue: queue["redelivered"]), at_most=SLOTS,
        ),
        figure_within(
            "bounded_stream", "messages at most", _of_queue(lambda queue: queue["depth"]["max"]), at_most=BOUND
        ),
        figure_within(
            "bounded_stream", "seconds that the oldest message waits at the end of the fault", _oldest_s,
            at_most=ACCEPTED_S,
        ),
        figure_within("greedy", "mails sent twice", _duplicates, at_least=100),
        figure_within(
            "greedy", "messages at the end of the hold", _of_queue(lambda queue: queue["depth"]["hold_end"]),
            at_least=100,
        ),
    ),
    predictions=(
        _predicts(
            "unbounded", "messages at the end of the fault", "(rate - capacity) x fault + capacity x downtime",
            _backlog, lambda queue: queue["depth"]["fault_end"],
        ),
        _predicts(
            "unbounded", "seconds that the oldest message waits then", "depth / rate",
            _backlog_age_s, lambda queue: queue["oldest_s"]["fault_end"],
        ),
        _predicts(
            "unbounded", "seconds from the end of the fault until the backlog is gone", "depth / (capacity - rate)",
            _drain_s, lambda queue: queue["drained_s"], band=0.3,
        ),
        _predicts(
            "bounded_stream", "seconds that the oldest message waits at the end of the fault", "bound / capacity",
            _full_age_s, lambda queue: queue["oldest_s"]["fault_end"], band=0.3,
        ),
        _predicts(
            "bounded_stream", "share refused once the stream is full", "1 - capacity / rate",
            _refused, lambda queue: queue["refused_share"],
        ),
    ),
)  # fmt: skip
