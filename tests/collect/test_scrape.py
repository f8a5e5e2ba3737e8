"""Scraper: every process once a second; one that is slow, broken or gone costs only its own samples."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from rulezero.collect import scrape
from rulezero.collect.samples import SampleLog
from rulezero.collect.scrape import Scraper
from tests.collect.serving import serving

PERIOD_S = 0.1
TIMEOUT_S = 0.08


@asynccontextmanager
async def answering(status: int = 200, after_s: float = 0.0) -> AsyncIterator[str]:
    async def metrics(_: web.Request) -> web.Response:
        await asyncio.sleep(after_s)
        return web.Response(status=status, text="calls_total 1\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    async with serving(app) as address:
        yield address


@pytest.mark.wall_clock
async def test_a_process_that_does_not_answer_delays_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow, broken and gone are counted as missed; the healthy one loses nothing and the broken one writes nothing."""
    monkeypatch.setattr(scrape, "PERIOD_S", PERIOD_S)
    monkeypatch.setattr(scrape, "TIMEOUT_S", TIMEOUT_S)
    log = SampleLog(tmp_path / "metrics.tsv")
    async with answering() as well, answering(after_s=0.5) as slow, answering(status=500) as broken:
        addresses = {"well": well, "slow": slow, "broken": broken, "gone": "127.0.0.1:1"}
        urls = {name: f"http://{address}/metrics" for name, address in addresses.items()}
        scraper = Scraper(urls, log, zero_s=asyncio.get_running_loop().time())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10.5 * PERIOD_S):
                await scraper.run()
    log.close()
    lines = (tmp_path / "metrics.tsv").read_text(encoding="utf-8").splitlines()[1:]
    made = Counter(line.split("\t")[1] for line in lines)
    assert set(made) == {"well"}
    assert made["well"] >= 5
    assert all(scraper.missed[name] >= made["well"] - 1 for name in ("slow", "broken", "gone"))
    assert scraper.missed["well"] == 0


@pytest.mark.wall_clock
async def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    """It may lead off the machine; it is a failed scrape, told as a redirection, and its page is no metric."""
    log = SampleLog(tmp_path / "metrics.tsv")
    reached = asyncio.Event()

    async def elsewhere(_: web.Request) -> web.Response:
        reached.set()
        return web.Response(text="calls_total 1\n")

    app = web.Application()
    app.router.add_get("/metrics", elsewhere)
    async with serving(app) as target:

        async def lead_away(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"http://{target}/metrics"}, text="calls_total 2\n")

        leading = web.Application()
        leading.router.add_get("/metrics", lead_away)
        async with serving(leading) as address:
            scraper = Scraper({"target": f"http://{address}/metrics"}, log, zero_s=0.0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await scraper.run()
    log.close()
    assert not reached.is_set()
    assert scraper.missed == {"target (redirected, 302)": 1}
    assert len((tmp_path / "metrics.tsv").read_text(encoding="utf-8").splitlines()) == 1


async def test_scrapes_keep_to_the_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that takes 0.4 s does not push the next ones back."""
    log = SampleLog(tmp_path / "metrics.tsv")
    scraper = Scraper({"edge": "http://127.0.0.1:1/metrics"}, log, zero_s=0.0)
    began_s: list[float] = []

    async def take_a_while(*_: object) -> None:
        began_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.4)

    monkeypatch.setattr(scraper, "_scrape", take_a_while)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4.5):
            await scraper.run()
    log.close()
    assert began_s == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0])
