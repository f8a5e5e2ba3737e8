"""Injector: faults come at their instant and go, whatever happens; refusals are told in one line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from toxiproxy.api import APIConsumer

from rulezero.collect.samples import SampleLog
from rulezero.errors import Problem
from rulezero.faults import CacheExpiry, Fault, Signature, Toxic
from rulezero.lab.proxies import reach_loopback_directly
from rulezero.runner.injection import Injector

PROOF = Signature(metric="x", increase_min=1)
FAULT_START_S, FAULT_END_S = 0.2, 0.6
NEAR_S = 0.3
HANGS = Toxic(link="checkout-payment", type="timeout", attributes={"timeout": 0}, signature=PROOF)


@dataclass
class FakeToxiproxy:
    """Answers what the injector asks of Toxiproxy; `refuse` has a status by method; `slow_s` delays additions."""

    refuse: dict[str, int] = field(default_factory=dict)
    slow_s: float = 0.0
    api: str = ""
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
        return self._answer("POST", body["name"], lambda: self.toxics.update({body["name"]: body}))

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


def injector(fake: FakeToxiproxy, path: Path, *faults: Fault, cache: str = "127.0.0.1:1") -> Injector:
    return Injector(
        faults=faults,
        toxiproxy_api=fake.api,
        cache_address=cache,
        zero_s=asyncio.get_running_loop().time(),
        fault_start_s=FAULT_START_S,
        fault_end_s=FAULT_END_S,
        log=SampleLog(path / "metrics.tsv"),
    )


def samples(one: Injector) -> list[list[str]]:
    one.log.close()
    return [line.split("\t") for line in one.log._path.read_text(encoding="utf-8").splitlines()[1:]]


@pytest.mark.wall_clock
async def test_a_toxic_lasts_for_the_fault_phase(tmp_path: Path) -> None:
    """Added as the fault says, removed at the end of the phase; when it was so is noted and in the metrics."""
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, HANGS)
        await one.run()
    (added, removed) = fake.asked
    assert (added[0], removed[0], added[1]) == ("POST", "DELETE", removed[1])
    assert 0 <= added[2] - one.zero_s - FAULT_START_S < NEAR_S
    assert 0 <= removed[2] - one.zero_s - FAULT_END_S < NEAR_S
    assert fake.toxics == {}
    (noted,) = one.injected
    assert (noted["text"], noted["kind"]) == ("timeout on checkout-payment (downstream, timeout 0)", "toxic")
    assert FAULT_START_S <= noted["start_s"] < FAULT_END_S <= noted["end_s"] < FAULT_END_S + NEAR_S
    assert samples(one)[-1][1:] == ["machine", "toxic_active", 'link="checkout-payment",type="timeout"', "0"]


@pytest.mark.wall_clock
async def test_a_toxic_is_sent_as_it_is_written(tmp_path: Path) -> None:
    """Type, stream, toxicity and attributes in Toxiproxy's own words, at its own time within the phase."""
    latency = Toxic(
        link="checkout-payment", type="latency", stream="upstream", attributes={"latency": 5, "jitter": 2},
        toxicity=0.5, at_s=0.1, for_s=0.15, signature=PROOF,
    )  # fmt: skip
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, latency)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(FAULT_START_S + 0.1 + 0.1)
        (active,) = fake.toxics.values()
        await running
    samples(one)
    assert active == {
        "name": "rulezero_1_latency_upstream", "type": "latency", "stream": "upstream", "toxicity": 0.5,
        "attributes": {"latency": 5, "jitter": 2},
    }  # fmt: skip
    assert one.injected[0]["end_s"] - one.injected[0]["start_s"] < FAULT_END_S - FAULT_START_S
    assert fake.toxics == {}


@pytest.mark.wall_clock
@pytest.mark.parametrize("after_s", [0.0, FAULT_START_S + 0.02, FAULT_START_S + 0.25])
async def test_a_run_that_is_cancelled_leaves_no_toxic(tmp_path: Path, after_s: float) -> None:
    """Before the fault, while it is being added, and in the middle of it."""
    async with serving(FakeToxiproxy(slow_s=0.1)) as fake:
        one = injector(fake, tmp_path, HANGS)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(after_s)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert fake.toxics == {}
        assert len(fake.asked) == (0 if after_s == 0 else 2)
    samples(one)
    assert all(noted["end_s"] is not None for noted in one.injected)


@pytest.mark.wall_clock
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("status", [400, 404, 409])
async def test_a_refusal_is_told(tmp_path: Path, method: str, status: int) -> None:
    """One line with the fault and the server; a fault that could not be taken away is as bad as one not put there."""
    async with serving(FakeToxiproxy(refuse={method: status})) as fake:
        one = injector(fake, tmp_path, HANGS)
        with pytest.raises(Problem, match=r"timeout on checkout-payment .*: Toxiproxy at 127\..* refused: .*not today"):
            await one.run()
    samples(one)


@pytest.mark.wall_clock
@pytest.mark.parametrize("status", [500, 503])
async def test_a_toxic_that_stays_is_told(tmp_path: Path, status: int) -> None:
    """The client takes such an answer for a success; the toxic that is still there says otherwise."""
    async with serving(FakeToxiproxy(refuse={"DELETE": status})) as fake:
        one = injector(fake, tmp_path, HANGS)
        with pytest.raises(Problem, match=r"timeout on checkout-payment .*: Toxiproxy at 127\..* did not remove it"):
            await one.run()
        assert list(fake.toxics) == ["rulezero_1_timeout_downstream"]
    samples(one)


@pytest.mark.wall_clock
async def test_toxics_of_one_kind_on_one_link_are_told_apart(tmp_path: Path) -> None:
    """One after the other, overlapping: each has a name of its own, and the first to end takes only itself away."""
    first, second = (
        Toxic(
            link="checkout-payment", type="latency", attributes={"latency": number}, at_s=at_s, for_s=0.2,
            signature=PROOF,
        )
        for number, at_s in ((5, 0.0), (7, 0.1))
    )  # fmt: skip
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, first, second)
        await one.run()
        assert fake.toxics == {}
    samples(one)
    names = ["rulezero_1_latency_downstream", "rulezero_2_latency_downstream"]
    assert [(method, name) for method, name, _ in fake.asked] == [
        ("POST", names[0]), ("POST", names[1]), ("DELETE", names[0]), ("DELETE", names[1]),
    ]  # fmt: skip


@pytest.mark.wall_clock
async def test_a_link_that_is_not_there_is_told(tmp_path: Path) -> None:
    """And one fault that fails takes the others with it."""
    elsewhere = Toxic(link="nowhere", type="timeout", at_s=0.1, signature=PROOF)
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, HANGS, elsewhere)
        with pytest.raises(Problem, match="Toxiproxy has no proxy nowhere; check the links file"):
            await one.run()
        assert fake.toxics == {}
    samples(one)


@pytest.mark.wall_clock
async def test_a_server_that_is_gone_is_told(tmp_path: Path) -> None:
    """Connection refused."""
    async with serving(FakeToxiproxy()) as fake:
        pass
    reach_loopback_directly()
    one = injector(fake, tmp_path, HANGS)
    before = APIConsumer.host, APIConsumer.port
    with pytest.raises(Problem, match="refused"):
        await one.run()
    APIConsumer.host, APIConsumer.port = before
    samples(one)


@asynccontextmanager
async def cache(deleted: list[tuple[bytes, float]]) -> AsyncIterator[str]:
    """Speak as much of the cache's protocol as the injector needs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                count = int((await reader.readuntil(b"\r\n"))[1:])
                words = []
                for _ in range(count):
                    length = int((await reader.readuntil(b"\r\n"))[1:])
                    words.append((await reader.readexactly(length + 2))[:-2])
                if words[0].upper() == b"DEL":
                    deleted.append((words[1], asyncio.get_running_loop().time()))
                    writer.write(b":1\r\n")
                else:
                    writer.write(b"%1\r\n+proto\r\n:3\r\n" if words[0].upper() == b"HELLO" else b"+OK\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.wall_clock
async def test_a_key_expires_at_each_instant(tmp_path: Path) -> None:
    """The key is deleted at each of its times, and each is noted as an instant."""
    deleted: list[tuple[bytes, float]] = []
    expiry = CacheExpiry(key="item:1", at_s=(0.0, 0.2), signature=PROOF)
    async with cache(deleted) as address:
        one = injector(FakeToxiproxy(api="127.0.0.1:1"), tmp_path, expiry, cache=address)
        await one.run()
    samples(one)
    assert [key for key, _ in deleted] == [b"item:1", b"item:1"]
    for (_, at_s), due_s in zip(deleted, (0.2, 0.4), strict=True):
        assert 0 <= at_s - one.zero_s - due_s < NEAR_S
    assert [(noted["text"], noted["kind"], noted["end_s"]) for noted in one.injected] == [
        ("item:1 expires", "expiry", None)
    ] * 2


@pytest.mark.wall_clock
async def test_a_cache_that_is_gone_is_told(tmp_path: Path) -> None:
    """One line, not a traceback of the client library."""
    expiry = CacheExpiry(key="item:1", at_s=(0.0,), signature=PROOF)
    one = injector(FakeToxiproxy(api="127.0.0.1:1"), tmp_path, expiry)
    with pytest.raises(Problem, match=r"item:1 expires 1 times: the cache at 127\.0\.0\.1:1 refused"):
        await one.run()
    samples(one)


async def test_active_toxics_are_in_the_metrics_each_second(tmp_path: Path) -> None:
    """So that a chart can shade the fault from the metrics alone."""
    one = injector(FakeToxiproxy(api="127.0.0.1:1"), tmp_path)
    one._active.add('link="a",type="b"')
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.5):
            await one._tell()
    assert [(row[0], row[4]) for row in samples(one)] == [("0.000", "1"), ("1.000", "1"), ("2.000", "1")]
