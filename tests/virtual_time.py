"""An event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

STALL_MAX = 100_000


class _JumpingSelector(selectors.DefaultSelector):
    """Never blocks: the time it was asked to wait for is added to the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.idle = 0

    def select(self, timeout: float | None = None) -> Any:
        """Poll the sockets, then jump."""
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # Nothing is scheduled: only another thread or a bug could end this wait.
            self.idle += 1
            if self.idle > STALL_MAX:
                raise RuntimeError("the virtual-time loop waits for something that never comes")
            return ready
        self.idle = 0
        self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`loop.time()` starts at 0 and only sleeping moves it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Timers closer than this are due together; without it rounding could leave a timer just short of due for ever.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._jumping.now_s


def run_virtual(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run to completion on a fresh virtual-time loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(coroutine)
