"""Scrapes the metrics of every process once a second, on a grid, and counts what it misses."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import aiohttp

from rulezero.collect.samples import SampleLog

PERIOD_S = 1.0
TIMEOUT_S = 0.9
_REDIRECTION = 300


class Scraper:
    """Appends a scrape of each URL to the log; `missed` counts the failures by process.

    A redirection is a failure, told beside the name: it may lead to a machine that nobody allowed.
    """

    def __init__(self, urls: Mapping[str, str], log: SampleLog, *, zero_s: float) -> None:
        self._urls = urls
        self._log = log
        self._zero_s = zero_s
        self.missed: Counter[str] = Counter()

    async def run(self) -> None:
        """Scrape until cancelled; a slow process delays no other and skips its own turn."""
        clock = asyncio.get_running_loop().time
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            due_s = clock()
            while True:
                await asyncio.gather(*(self._scrape(session, name) for name in self._urls))
                self._log.flush()
                due_s = max(due_s + PERIOD_S, clock())
                await asyncio.sleep(due_s - clock())

    async def _scrape(self, session: aiohttp.ClientSession, process: str) -> None:
        clock = asyncio.get_running_loop().time
        url = self._urls[process]
        try:
            async with session.get(url, raise_for_status=True, allow_redirects=False) as response:
                if response.status >= _REDIRECTION:
                    self.missed[f"{process} (redirected, {response.status})"] += 1
                    return
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.missed[process] += 1
            return
        self._log.exposition(clock() - self._zero_s, process, text)
