"""Tells whoever watches how an arm goes, from the rows as they are written and the scrapes as they are made."""

import asyncio
from collections.abc import Mapping

from rulezero.experiment import Experiment
from rulezero.load import LiveTail
from rulezero.moment import Moment, Progress
from rulezero.outcome import Outcome

PERIOD_S = 0.5
BREAKER_STATE = "circuit_breaker_state"
STATES = {0: "closed", 1: "half-open", 2: "open"}
# A request is known when it ends; looking back this far sees nearly all that a second brought.
_BEHIND_S = 0.5


class Watch:
    """Follows one arm until cancelled.

    `left_after_s` is the load that follows after this arm; `states` the newest values of the gauge of the circuit
    breakers, by process and labels.
    """

    def __init__(
        self,
        progress: Progress,
        tail: LiveTail,
        experiment: Experiment,
        *,
        arm: str,
        zero_s: float,
        left_after_s: float,
        states: Mapping[tuple[str, str], float],
    ) -> None:
        self._progress = progress
        self._tail = tail
        self._arm = arm
        self._zero_s = zero_s
        self._left_after_s = left_after_s
        self._states = states
        self._answered = False
        self._windows = experiment.durations.windows()
        self._total_s = experiment.durations.total_s
        self._offered_rps = sum(stream.rate_rps for stream in experiment.streams)

    async def run(self) -> None:
        """Tell until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            elapsed_s = max(0.0, min(clock() - self._zero_s, self._total_s))
            self._progress.update(self._moment(elapsed_s))
            await asyncio.sleep(PERIOD_S)

    def _moment(self, elapsed_s: float) -> Moment:
        live = self._tail.last_second(elapsed_s - _BEHIND_S)
        self._answered = self._answered or bool(live.outcomes)
        phase, _, phase_end_s = next((one for one in self._windows if elapsed_s < one[2]), self._windows[-1])
        return Moment(
            arm=self._arm,
            phase=phase,
            elapsed_s=elapsed_s,
            remaining_s=self._total_s - elapsed_s + self._left_after_s,
            phase_left_s=max(0.0, phase_end_s - elapsed_s),
            goodput_rps=live.goodput_rps if self._answered else None,
            offered_rps=self._offered_rps,
            p99_ms=live.p99_ms,
            failing={name.value: count for name, count in live.outcomes.items() if name != Outcome.OK},
            breakers=dict(sorted(_named(states) for states in self._states.items())),
        )


def _named(sample: tuple[tuple[str, str], float]) -> tuple[str, str]:
    """Return a breaker's name and state from a sample of its gauge."""
    (process, labels), value = sample
    dependency = labels.partition('dependency="')[2].partition('"')[0]
    return f"{process} to {dependency}", STATES.get(int(value), "unknown")
