"""What goes wrong in a cache: a key comes to its end, or all is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rulezero.dependencies.entries import keep_s_of
from rulezero.errors import Problem


async def expire(address: str, key: str, *, lead_s: float) -> None:
    """Leave an entry `lead_s` to live, and then what it is kept stale for; one that is not there stays away.

    Raises:
        Problem: The cache did not take it.

    """
    async with _connected(address, f"{key} expires") as redis:
        stored: bytes | None = await redis.get(key)
        if stored is None:
            return
        left_s = lead_s + (keep_s_of(stored) or 0.0)
        await redis.pexpire(key, round(left_s * 1000))  # At 0 it is deleted.


async def flush(address: str) -> None:
    """Empty the cache. Raises Problem."""
    async with _connected(address, "the cache is flushed") as redis:
        await redis.flushall()


@asynccontextmanager
async def _connected(address: str, what: str) -> AsyncIterator[Any]:
    host, _, port = address.rpartition(":")
    # Without the client's own retries: an expiry that comes seconds late is another fault.
    async with Redis(host=host, port=int(port), retry=Retry(NoBackoff(), 0)) as redis:
        try:
            yield redis
        except RedisError as error:
            raise Problem(f"{what}: the cache at {address} refused: {error}") from None
