"""A cache in memory, on the loop's clock, for the tests of all that reads through one."""

import asyncio
import itertools

from rulezero.calls import Entry
from rulezero.dependencies.entries import decode, encode
from tests.defences.fakes import failed, now_s


class FakeCache:
    """Keeps entries and leases as the real one does; each command takes `trip_s`; `down`, all of them fail."""

    def __init__(self, *, trip_s: float = 0.0) -> None:
        self.trip_s = trip_s
        self.down = False
        self.commands: list[str] = []
        self.ttls_s: list[tuple[float, float]] = []
        self.load_times_s: list[float] = []
        self.leases: dict[str, tuple[str, float]] = {}
        self._stored: dict[str, tuple[bytes, float]] = {}
        self._numbers = itertools.count(1)

    @property
    def keys(self) -> set[str]:
        """What there is an entry of, fresh or stale."""
        return {key for key, (_, end_s) in self._stored.items() if end_s > now_s()}

    def delete(self, key: str) -> None:
        """Invalidate an entry."""
        del self._stored[key]

    async def look_up(self, key: str) -> Entry | None:
        await self._trip("look_up")
        stored, end_s = self._stored.get(key, (b"", 0.0))
        return decode(stored, left_s=end_s - now_s()) if end_s > now_s() else None

    async def put(
        self, key: str, value: bytes, *, ttl_s: float, keep_s: float, load_s: float, found: str | None
    ) -> bool:
        await self._trip("put")
        old = self._stored.get(key) if key in self.keys else None
        stored = encode(value, version=str(next(self._numbers)), load_s=load_s, keep_s=keep_s)
        self._stored[key] = (stored, now_s() + ttl_s + keep_s)
        self.ttls_s.append((ttl_s, keep_s))
        self.load_times_s.append(load_s)
        replaced = decode(old[0], left_s=0.0) if old else None
        return replaced is None or replaced.version == found

    async def acquire_lease(self, key: str, *, owner: str, lease_s: float) -> bool:
        await self._trip("acquire", self.trip_s / 2)
        free = self.leases.get(key, ("", 0.0))[1] <= now_s()
        if free:
            self.leases[key] = (owner, now_s() + lease_s)
        await asyncio.sleep(self.trip_s / 2)  # The way back, on which the answer can be lost.
        return free

    async def release_lease(self, key: str, owner: str) -> None:
        await self._trip("release")
        if self.leases.get(key, ("", 0.0))[0] == owner:
            del self.leases[key]

    async def _trip(self, command: str, trip_s: float | None = None) -> None:
        self.commands.append(command)
        await asyncio.sleep(self.trip_s if trip_s is None else trip_s)
        if self.down:
            raise failed()
