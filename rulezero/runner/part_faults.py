"""What goes wrong with a whole part: it is killed, and comes back after a while, as it was when the arm began."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rulezero.lab.target import Target


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a lab, to kill; `restore` gives a service that was started again what it was told by its arm."""

    lab: Target
    restore: Callable[[str], Awaitable[None]]

    async def kill(self, name: str) -> None:
        """End a part as a crash would. Raises Problem."""
        await self.lab.kill(name)

    async def start_again(self, name: str) -> None:
        """Start it again and wait until it is ready; nothing happens to one that runs. Raises Problem."""
        await self.lab.start_again(name)
        if name in self.lab.admin_addresses:
            await self.restore(name)
