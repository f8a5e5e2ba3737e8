"""What a defence looks like to the benchmark, whoever wrote it: something put around a coroutine function."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

# Asks the dependency for the value of a key.
Send = Callable[[str], Awaitable[Any]]
Call = Callable[[], Awaitable[Any]]

# The numbers that every library is set to, as far as it has them.
FAILURES = 20
OPEN_S = 0.3
PROBES = 3
PERMITS = 20
TIMEOUT_S = 0.2
ATTEMPTS = 60
BASE_S = 0.1
CAP_S = 5.0
HEDGE_AFTER_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """One library's form of one defence. Each `around` makes another, with a state of its own.

    `quiet` returns the call whose cost is measured, so that no library is charged for how the benchmark calls it.
    """

    name: str
    around: Callable[[Send], Send]
    quiet: Callable[[Send], Call] | None = None

    def quiet_call(self, send: Send) -> Call:
        """Return a call without arguments."""
        return self.quiet(send) if self.quiet else partial(self.around(send), "key")
