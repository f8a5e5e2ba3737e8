"""The load of one's own service: what goes over the wire is what the file says, for any route."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from rulezero.experiment import HttpRequest, Keys, Stream
from rulezero.load import Generator
from rulezero.load.plan import PLAN_VARIABLE
from tests.collect.serving import serving
from tests.loadtests.runs import LEAD_S, ROOT, plan, read_rows

LOCUSTFILE = ROOT / "loadtests" / "own.py"


@pytest.mark.wall_clock
async def test_requests_are_as_the_file_says(tmp_path: Path) -> None:
    """Method, path, body and headers, with the key and the operation in their places; braces of JSON stay."""
    seen: list[tuple[str, str, str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.text()
        seen.append((request.method, request.path_qs, body, request.headers["X-Team"], request.headers["Content-Type"]))
        return web.Response(text="{}")

    form = HttpRequest(
        method="PUT", path="/items/{key}?deep=1", body='{"item": {key}, "of": {}}', headers={"X-Team": "a b"}
    )
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with serving(app) as address:
        stream = Stream(route="item", rate_rps=40, keys=Keys(low=7, high=7), request=form)
        load = plan(tmp_path, f"http://{address}", stream)
        made = Generator(load, locustfile=LOCUSTFILE, plan_path=tmp_path / "plan.json", log_path=tmp_path / "log")
        async with made as child:
            await child.begin(asyncio.get_running_loop().time() + LEAD_S)
            await child.wait(timeout_s=20)
    rows = read_rows(tmp_path / "rows.csv")
    assert len(rows) == len(seen) > 0
    assert {row.outcome.value for row in rows} == {"ok"}
    assert set(seen) == {("PUT", "/items/7?deep=1", '{"item": 7, "of": {}}', "a b", "application/json")}


@pytest.mark.wall_clock
async def test_the_host_is_the_one_that_the_file_names(tmp_path: Path) -> None:
    """Once, in place of the link's address, which no virtual host knows; a request that names none has the link's."""
    seen: dict[str, set[tuple[str, ...]]] = {}

    async def answer(request: web.Request) -> web.Response:
        seen.setdefault(request.path, set()).add(tuple(request.headers.getall("Host")))
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with serving(app) as address:
        named = HttpRequest(method="GET", path="/named", headers={"Host": "shop.example:8080"})
        streams = (
            Stream(route="named", rate_rps=40, request=named),
            Stream(route="plain", rate_rps=40, request=HttpRequest(method="GET", path="/plain")),
        )
        load = plan(tmp_path, f"http://{address}", *streams)
        made = Generator(load, locustfile=LOCUSTFILE, plan_path=tmp_path / "plan.json", log_path=tmp_path / "log")
        async with made as child:
            await child.begin(asyncio.get_running_loop().time() + LEAD_S)
            await child.wait(timeout_s=20)
    assert seen == {"/named": {("shop.example:8080",)}, "/plain": {(address,)}}


@pytest.mark.wall_clock
def test_by_hand_there_is_nothing_to_send() -> None:
    """It says what it is for, in one line."""
    kept = {name: value for name, value in os.environ.items() if name != PLAN_VARIABLE}
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--host", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT, env=kept)
    assert done.returncode == 64
    assert "rulezero run FILE.toml" in done.stderr
