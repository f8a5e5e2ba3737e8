"""Client throttle: the backend can serve a tenth of what is asked, and a client that notices spares it the rest.

A backend that refuses still pays for refusing. A client that looks at how much of what it sends is accepted can keep
the rest to itself. Whether it counts what it kept to itself as asked for decides where the two settle.
"""

from collections.abc import Mapping
from typing import Any

from rulezero.analysis.predict import throttle_recovery_s, throttled_rps
from rulezero.checks import figure_within, keeps_goodput, loses_goodput
from rulezero.experiment import Arm, Durations, Experiment, Figures, Keys, Prediction, Stream, Yardstick
from toxics import replica_slows_down

CATALOG_PROCESSES = 2
SLOTS = 3
RATE_RPS = 140.0
LINK = "edge-catalog"
WINDOW_S = 3.0
QUEUE: Mapping[str, Any] = {"queue_max": 8}  # Served within the deadline, and enough that no slot is ever idle.


def _numbers(k: float, *, count_local: bool = True) -> Mapping[str, Mapping[str, Any]]:
    throttle = {"k": k, "window_s": WINDOW_S, "count_local": count_local, "reject_max": 0.98}
    return {"bounded_queue": QUEUE, "adaptive_throttle": throttle}


def _capacity_rps(figures: Figures) -> float | None:
    """Return what is left of the capacity: each slot is held for so much longer."""
    slots, before_rps = CATALOG_PROCESSES * SLOTS, figures["capacity_rps"].get("catalog")
    return slots / (slots / before_rps + replica_slows_down.SLOWER_S) if before_rps else None


def _sent_rps(figures: Figures) -> float | None:
    rates: Mapping[str, float] | None = figures["settled_attempts_rps"].get(LINK)
    return rates["fault"] if rates else None


def _overload(figures: Figures) -> float | None:
    sent_rps, capacity_rps = _sent_rps(figures), _capacity_rps(figures)
    return None if sent_rps is None or capacity_rps is None else sent_rps / capacity_rps


def _served(figures: Figures) -> float | None:
    capacity_rps = _capacity_rps(figures)
    return None if capacity_rps is None else figures["goodput_rps"]["fault"] / capacity_rps


def _predicted(arm: str, k: float, *, count_local: bool) -> Prediction:
    def predicted(figures: Figures) -> float | None:
        rate_rps, capacity_rps = figures["settled_offered_rps"]["fault"], _capacity_rps(figures)
        return None if capacity_rps is None else throttled_rps(rate_rps, k, capacity_rps, count_local=count_local)

    return Prediction(
        arm=arm,
        name="attempts a second that reach the backend",
        formula="K x capacity" if count_local else "sqrt(rate x K x capacity)",
        predicted=predicted,
        measured=_sent_rps,
    )


def _recovery_s(figures: Figures) -> float | None:
    capacity_rps = _capacity_rps(figures)
    if capacity_rps is None:
        return None
    return throttle_recovery_s(figures["offered_rps"]["hold"], 2.0, capacity_rps, WINDOW_S)


EXPERIMENT = Experiment(
    name="client_throttle",
    question="A backend can serve a tenth of what is asked for: how much does a client that throttles itself send?",
    prediction=(
        "Unthrottled, all of it arrives. With K = 2 the backend sees twice its capacity, with K = 1.1 little more than "
        "its capacity; a client that does not count what it refused itself sends sqrt(rate x K x capacity). The price "
        "is the way back: a client that sends K times what is accepted grows by K with each window, and 1.1 is slow."
    ),
    streams=(
        Stream(
            route="search",
            rate_rps=RATE_RPS,
            deadline_s=2.0,
            keys=Keys(low=1, high=9),
            crosses=(LINK,),
        ),
    ),
    services={
        "edge": {"RULEZERO_SLOTS": "1000"},
        "catalog-1": {"RULEZERO_SLOTS": str(SLOTS)},
        "catalog-2": {"RULEZERO_SLOTS": str(SLOTS)},
    },
    faults=(replica_slows_down.FAULT,),
    durations=Durations(warmup_s=3, baseline_s=5, fault_s=16, hold_s=12),
    base=("bounded_queue",),
    yardstick=Yardstick(name="load on the backend / its capacity", figure=_overload, chart="attempts"),
    arms=(
        Arm(name="none", numbers={"bounded_queue": QUEUE}),
        Arm(name="k_2", defences=("adaptive_throttle",), numbers=_numbers(2.0)),
        Arm(name="k_1_1", defences=("adaptive_throttle",), numbers=_numbers(1.1)),
        Arm(name="not_counting", defences=("adaptive_throttle",), numbers=_numbers(2.0, count_local=False)),
    ),
    demo_arms=("none", "k_2"),
    checks=(
        figure_within("none", "load on the backend / its capacity", _overload, at_least=5, control=True),
        *(
            figure_within(arm, "goodput in the fault / capacity", _served, at_least=0.8)
            for arm in ("k_2", "k_1_1", "not_counting")
        ),
        figure_within("k_2", "load on the backend / its capacity", _overload, at_most=3),
        figure_within("k_1_1", "load on the backend / its capacity", _overload, at_most=2),
        *(keeps_goodput(arm, phase="hold", at_least=0.8) for arm in ("k_2", "not_counting")),
        loses_goodput("k_1_1", phase="hold", at_most=0.6),
    ),
    predictions=(
        Prediction(
            arm="none",
            name="attempts a second that reach the backend",
            formula="rate",
            predicted=lambda figures: figures["settled_offered_rps"]["fault"],
            measured=_sent_rps,
        ),
        _predicted("k_2", 2.0, count_local=True),
        _predicted("k_1_1", 1.1, count_local=True),
        _predicted("not_counting", 2.0, count_local=False),
        Prediction(
            arm="k_2",
            name="seconds from the end of the fault to recovery",
            formula="window x ln(0.9 x rate / (K x capacity)) / x, with K (1 - exp(-x)) = x",
            predicted=_recovery_s,
            measured=lambda figures: figures["recovery_s"],
            band=0.4,  # The window counts in slices of a tenth, and recovery is told to a quarter of a second.
        ),
    ),
)
