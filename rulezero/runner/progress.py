"""Tells whoever watches how an arm goes, from the rows as they are written."""

import asyncio

from rulezero.experiment import Experiment
from rulezero.load import LiveTail
from rulezero.moment import Moment, Progress
from rulezero.outcome import Outcome

PERIOD_S = 0.5
# A request is known when it ends; looking back this far sees nearly all that a second brought.
_BEHIND_S = 0.5


class Watch:
    """Follows one arm until cancelled.

    `left_after_s` is the load that follows after this arm.
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
    ) -> None:
        self._progress = progress
        self._tail = tail
        self._arm = arm
        self._zero_s = zero_s
        self._left_after_s = left_after_s
        self._windows = experiment.durations.windows()
        self._total_s = experiment.durations.total_s
        self._offered_rps = sum(stream.rate_rps for stream in experiment.streams)

    async def run(self) -> None:
        """Tell until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            elapsed_s = max(0.0, min(clock() - self._zero_s, self._total_s))
            live = self._tail.last_second(elapsed_s - _BEHIND_S)
            moment = Moment(
                arm=self._arm,
                phase=next((name for name, _, end_s in self._windows if elapsed_s < end_s), self._windows[-1][0]),
                elapsed_s=elapsed_s,
                remaining_s=self._total_s - elapsed_s + self._left_after_s,
                goodput_rps=live.goodput_rps,
                offered_rps=self._offered_rps,
                p99_ms=live.p99_ms,
                failing={name.value: count for name, count in live.outcomes.items() if name != Outcome.OK},
            )
            self._progress.update(moment)
            await asyncio.sleep(PERIOD_S)
