"""A fake Toxiproxy, and injectors for a fault phase of less than half a second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from toxiproxy.api import APIConsumer

from rulezero.collect.samples import SampleLog
from rulezero.errors import Problem
from rulezero.faults import Fault, Signature, Toxic
from rulezero.lab.proxies import reach_loopback_directly
from rulezero.runner.injection import Injector
from rulezero.runner.part_faults import Parts

PROOF = Signature(metric="x", increase_min=1)
FAULT_START_S, FAULT_END_S = 0.2, 0.6
NEAR_S = 0.3
NOBODY = "127.0.0.1:1"
HANGS = Toxic(link="checkout-payment", type="timeout", attributes={"timeout": 0}, signature=PROOF)


@dataclass
class FakeToxiproxy:
    """Answers what the injector asks of Toxiproxy; `refuse` has a status by method; `slow_s` delays additions.

    One that is `half_done` adds a toxic and says that it could not.
    """

    refuse: dict[str, int] = field(default_factory=dict)
    slow_s: float = 0.0
    half_done: bool = False
    api: str = NOBODY
    asked: list[tuple[str, str, float]] = field(default_factory=list)
    toxics: dict[str, Any] = field(default_factory=dict)

    async def proxies(self, _: web.Request) -> web.Response:
        proxy = {"name": "checkout-payment", "listen": "", "upstream": "", "enabled": True, "toxics": []}
        return web.json_response({"checkout-payment": proxy})

    async def active(self, _: web.Request) -> web.Response:
        return web.json_response(list(self.toxics.values()))

    async def add(self, request: web.Request) -> web.Response:
        body = await request.json()
        await asyncio.sleep(self.slow_s)
        added = self._answer("POST", body["name"], lambda: self.toxics.update({body["name"]: body}))
        return web.json_response({"error": "half done", "status": 400}, status=400) if self.half_done else added

    async def remove(self, request: web.Request) -> web.Response:
        name = request.match_info["toxic"]
        if name not in self.toxics:
            return web.json_response({"error": "toxic not found", "status": 404}, status=404)
        return self._answer("DELETE", name, lambda: self.toxics.pop(name))

    def _answer(self, method: str, name: str, act: Any) -> web.Response:
        self.asked.append((method, name, asyncio.get_running_loop().time()))
        if method in self.refuse:
            status = self.refuse[method]
            return web.json_response({"error": "not today", "status": status}, status=status)
        act()
        return web.json_response({})


@asynccontextmanager
async def serving(fake: FakeToxiproxy) -> AsyncIterator[FakeToxiproxy]:
    reach_loopback_directly()
    app = web.Application()
    app.router.add_get("/proxies", fake.proxies)
    app.router.add_get("/proxies/{proxy}/toxics", fake.active)
    app.router.add_post("/proxies/{proxy}/toxics", fake.add)
    app.router.add_delete("/proxies/{proxy}/toxics/{toxic}", fake.remove)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.api = f"127.0.0.1:{runner.addresses[0][1]}"
    before = APIConsumer.host, APIConsumer.port
    try:
        yield fake
    finally:
        APIConsumer.host, APIConsumer.port = before
        await runner.cleanup()


@dataclass
class FakeParts:
    """Notes who is killed and started again, and when; refuses what it is told to."""

    asked: list[tuple[str, str, float]] = field(default_factory=list)
    refuse: tuple[str, ...] = ()
    slow_s: float = 0.0

    async def kill(self, name: str) -> None:
        await self._act("kill", name)

    async def start_again(self, name: str) -> None:
        await asyncio.sleep(self.slow_s)
        await self._act("start", name)

    async def _act(self, what: str, name: str) -> None:
        self.asked.append((what, name, asyncio.get_running_loop().time()))
        if what in self.refuse:
            raise Problem(f"{what} was refused")


def injector(
    fake: FakeToxiproxy, path: Path, *faults: Fault, cache: str = NOBODY, parts: FakeParts | None = None
) -> Injector:
    return Injector(
        faults=faults,
        toxiproxy_api=fake.api,
        cache_address=cache,
        primary_dsn=f"postgresql://nobody@{NOBODY}/nothing",
        parts=cast("Parts", parts or FakeParts()),
        zero_s=asyncio.get_running_loop().time(),
        fault_start_s=FAULT_START_S,
        fault_end_s=FAULT_END_S,
        log=SampleLog(path / "metrics.tsv"),
    )


def samples(one: Injector) -> list[list[str]]:
    one.log.close()
    return [line.split("\t") for line in one.log._path.read_text(encoding="utf-8").splitlines()[1:]]
