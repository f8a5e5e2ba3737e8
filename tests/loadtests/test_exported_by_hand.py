"""The metrics of load by hand: served beside Locust, with the toxics that somebody has added."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from rulezero.errors import EXIT_USAGE
from tests.loadtests.runs import PORT_VARIABLE, TOXIPROXY_VARIABLE, by_hand, read_rows
from tests.loadtests.scraped import Scrape, free_port, scrape_soon
from tests.loadtests.server import stallable_server

LATENCY = {"name": "mine", "type": "latency", "stream": "upstream"}


class Proxies:
    """A Toxiproxy with one link; `toxics` and `enabled` are what it says of it."""

    def __init__(self) -> None:
        self.toxics: list[dict[str, str]] = [LATENCY]
        self.enabled = True
        self.asked = 0

    async def proxies(self, _: web.Request) -> web.Response:
        self.asked += 1
        link: dict[str, Any] = {"name": "edge-catalog-1", "enabled": self.enabled, "toxics": self.toxics}
        return web.json_response({"edge-catalog-1": link})

    async def until_asked_again(self) -> None:
        """Return when it has been asked a second time from now on, so that the first answer has been taken in."""
        before = self.asked
        while self.asked < before + 2:  # noqa: ASYNC110 - the other process sets no event.
            await asyncio.sleep(0.05)


async def scraped(port: int, timeout_s: float = 20.0) -> Scrape:
    """Return a scrape from when requests have been answered."""
    async with asyncio.timeout(timeout_s):
        while (found := await scrape_soon(port)).sum("loadgen_good_total") == 0:  # noqa: ASYNC110 - another process.
            await asyncio.sleep(0.1)
        return found


@pytest.mark.wall_clock
async def test_load_by_hand_is_exported_as_a_planned_run_is(tmp_path: Path) -> None:
    """The routes that there are, the rate that the users make, and "by_hand" as phase, arm and experiment."""
    port = free_port()
    async with stallable_server() as server:
        running = asyncio.create_task(
            by_hand(
                "Browse", "Search", "--headless", "-H", server.url, "-u", "40", "-r", "40", "--run-time", "5",
                "--only-summary", "--rows", str(tmp_path / "rows.csv"), environment={PORT_VARIABLE: str(port)},
            )
        )  # fmt: skip
        found = await scraped(port)
        status, _ = await running
    assert status == 0
    assert found.values("loadgen_arrivals_total", "name") == {"browse", "search"}
    assert found.values("loadgen_arrivals_total", "phase") == {"by_hand"}
    assert found.sum("loadgen_target_rate") == 40
    assert found.sum("experiment_info", experiment="by_hand", arm="by_hand", seed="1") == 1
    assert 0 < found.sum("loadgen_run_seconds") < 10
    assert found.sum("loadgen_phase_seconds_total") == pytest.approx(found.sum("loadgen_run_seconds"), abs=0.01)
    assert 0 < found.sum("loadgen_good_total") <= len(read_rows(tmp_path / "rows.csv"))


@pytest.mark.wall_clock
async def test_toxics_added_by_hand_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 while it is there, 0 after it; a link that is cut counts; nobody else tells Prometheus of them."""
    port, proxies = free_port(), Proxies()
    app = web.Application()
    app.router.add_get("/proxies", proxies.proxies)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    api = f"127.0.0.1:{runner.addresses[0][1]}"
    async with stallable_server() as server:
        running = asyncio.create_task(
            by_hand(
                "Browse", "--headless", "-H", server.url, "-u", "5", "-r", "5", "--run-time", "8", "--only-summary",
                environment={PORT_VARIABLE: str(port), TOXIPROXY_VARIABLE: api},
            )
        )  # fmt: skip
        mine = {"proxy": "edge-catalog-1", "toxic": "mine", "type": "latency", "stream": "upstream"}
        down = {"proxy": "edge-catalog-1", "toxic": "disabled", "type": "down", "stream": ""}
        async with asyncio.timeout(30):
            await proxies.until_asked_again()
            first = await scrape_soon(port)
            proxies.toxics, proxies.enabled = [], False
            await proxies.until_asked_again()
            second = await scrape_soon(port)
        await running
    await runner.cleanup()
    assert (first.sum("toxic_active", **mine), first.sum("toxic_active")) == (1, 1)
    assert second.values("toxic_active", "toxic") == {"mine", "disabled"}
    assert (second.sum("toxic_active", **mine), second.sum("toxic_active", **down)) == (0, 1)


@pytest.mark.wall_clock
async def test_a_taken_port_and_a_silent_toxiproxy_cost_a_line_each() -> None:
    """The load runs all the same."""
    async with stallable_server() as server:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            status, output = await by_hand(
                "Browse", "--headless", "-H", server.url, "-u", "5", "-r", "5", "--run-time", "3", "--only-summary",
                environment={PORT_VARIABLE: port, TOXIPROXY_VARIABLE: "127.0.0.1:1"},
            )  # fmt: skip
        assert server.heads
    assert status == 0
    assert output.count(f"no metrics on 127.0.0.1:{port}: ") == 1
    assert output.count("no toxics from http://127.0.0.1:1/proxies: ConnectionError") == 1


@pytest.mark.wall_clock
@pytest.mark.parametrize("port", ["x", "-1", "65536"])
async def test_a_port_that_is_none_is_refused_in_one_line(port: str) -> None:
    """The line names the variable and the way out."""
    status, output = await by_hand("--headless", "-H", "http://127.0.0.1:9", environment={PORT_VARIABLE: port})
    assert status == EXIT_USAGE
    lines = [line for line in output.strip().splitlines() if "/INFO/" not in line]
    assert lines == [f"{PORT_VARIABLE}={port} is no port; write one, or 0 for none"]
