"""Asking for pages before the load begins, as one warms a cache before it takes traffic."""

import asyncio

import aiohttp

from rulezero.errors import Problem
from rulezero.experiment import Prewarm

_AT_A_TIME = 4  # A herd of our own would be an experiment of its own.
_TIMEOUT_S = 20.0


async def warm(entry: str, prewarm: Prewarm) -> None:
    """Ask the entry ("host:port") for each page once.

    Raises:
        Problem: One of them could not be had.

    """
    left = iter(range(prewarm.keys.low, prewarm.keys.high + 1))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:

        async def ask_in_turn() -> None:
            for key in left:
                path = prewarm.path.format(key=key)
                async with session.get(f"http://{entry}{path}") as response:
                    if response.status != 200:
                        raise Problem(f"warming up: the answer for {path} was {response.status}")

        asking = [asyncio.create_task(ask_in_turn()) for _ in range(_AT_A_TIME)]
        try:
            await asyncio.gather(*asking)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Problem(f"warming up: no answer: {type(error).__name__}; see the logs of the run") from None
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
