"""The containers as the system under test: made anew for each arm, put back at the end, watched meanwhile."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from rulezero.errors import Problem, UsageProblem
from rulezero.lab import compose, ready
from rulezero.lab.compose import ComposeLab, open_compose, require_containers
from rulezero.lab.description import ShopDescription, read_description
from rulezero.lab.ports import LOOPBACK
from tests.lab.fake_docker import FakeDocker, install
from tests.lab.support import CHECKOUT, write_shop

pytestmark = pytest.mark.wall_clock
SERVICES = ("edge", "payment")


@asynccontextmanager
async def answering(count: int) -> AsyncIterator[list[int]]:
    """Serve that many admin ports that say they are healthy."""

    async def healthy(_: web.Request) -> web.Response:
        return web.Response()

    async with AsyncExitStack() as stack:
        ports = []
        for _ in range(count):
            app = web.Application()
            app.router.add_get("/health", healthy)
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, LOOPBACK, 0).start()
            ports.append(runner.addresses[0][1])
        yield ports


@asynccontextmanager
async def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ComposeLab, FakeDocker]]:
    async with answering(2) as (edge, payment):
        published = {"edge": {9100: edge}, "payment": {9100: payment}, "toxiproxy": {8474: 8474, 21000: 21000}}
        fake = install(folder, monkeypatch, published)
        async with open_compose(shop(folder), logs=folder / "logs") as lab:
            yield lab, fake


def shop(folder: Path) -> ShopDescription:
    (folder / "compose.yaml").touch()
    return read_description(write_shop(folder), folder)


def override(fake: FakeDocker) -> Mapping[str, Any]:
    services: dict[str, Any] = json.loads((fake.folder / "override.json").read_text(encoding="utf-8"))["services"]
    return services


async def test_the_services_are_made_anew_with_the_arms_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All variables of "*", those of the instance above them; an empty one stays empty."""
    async with opened(tmp_path, monkeypatch) as (lab, fake):
        before = fake.containers()
        await lab.start_services({"*": {"RULEZERO_DEFENCES_FILE": "", "A": "all"}, "edge": {"A": "edge", "B": "1"}})
        assert override(fake)["edge"]["environment"] == {"RULEZERO_DEFENCES_FILE": "", "A": "edge", "B": "1"}
        assert override(fake)["payment"]["environment"] == {"RULEZERO_DEFENCES_FILE": "", "A": "all"}
        after = fake.containers()
        assert {name for name in before if before[name]["id"] != after[name]["id"]} == set(SERVICES)
        (command,) = fake.said("up", "--force-recreate")
        assert "--no-deps" in command
        assert lab.exits() == []


async def test_nobody_else_uses_the_system_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's load generator is stopped, and runs again at the end with the services as the file has them."""
    async with opened(tmp_path, monkeypatch) as (lab, fake):
        assert fake.containers()["locust"]["pid"] == 0
        await lab.start_services({})
        await lab.stop_services()
        assert all(fake.containers()[name]["pid"] == 0 for name in SERVICES)
        assert not fake.said("up", "locust")
    (command,) = fake.said("up", "locust", *SERVICES)
    assert not [word for word in command if word.endswith("override.json")]
    assert lab.exits() == []
    kept = {path.stem for path in (tmp_path / "logs").iterdir()}
    assert {"edge", "payment", "primary", "toxiproxy", "queue"} <= kept


async def test_a_service_that_ends_at_its_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how it ended, at once."""
    async with opened(tmp_path, monkeypatch) as (lab, fake):
        await lab.start_services({})

        async def not_yet() -> bool:
            fake.tell_end("edge", 64)
            return False

        monkeypatch.setattr(ready, "answers_health", lambda _: not_yet)
        with pytest.raises(Problem, match="edge ended with exit status 64"):
            await lab._until_ready("edge")


async def test_what_never_gets_ready_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where it said why."""

    async def never() -> bool:
        return False

    async with opened(tmp_path, monkeypatch) as (lab, _):
        monkeypatch.setattr(ready, "answers_health", lambda _: never)
        monkeypatch.setattr(compose, "START_TIMEOUT_S", 0.2)
        with pytest.raises(Problem, match=r"did not start: not ready after 0\.2 s; see .*logs/"):
            await lab.start_services({})


async def test_a_killed_service_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same container, and its death is no news; starting one that runs does nothing."""
    async with opened(tmp_path, monkeypatch) as (lab, fake):
        await lab.start_services({})
        await lab.start_again("edge")
        assert not fake.said("start")
        await lab.kill("edge")
        await lab.start_again("edge")
        assert fake.said("start", fake.containers()["edge"]["id"])
        assert lab.exits() == []


async def test_where_everything_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose.yaml publishes it; what containers are to reach here listens where they look for it."""
    async with opened(tmp_path, monkeypatch) as (lab, _):
        assert lab.entry == "127.0.0.1:21000"
        assert lab.toxiproxy_api == "127.0.0.1:8474"
        assert set(lab.admin_addresses) == set(SERVICES)
        assert lab.database_dsn("standby") == "postgresql://rulezero@127.0.0.1:1/shop?sslmode=disable"
        assert lab.listen_host == LOOPBACK  # The engine's own address is none of this machine's.
        assert lab.endpoint_inside("http://127.0.0.1:5555") == "http://host.docker.internal:5555"
        assert lab.observers.loadgen == f"{LOOPBACK}:9646"
        assert lab.observers.stays
        assert lab.versions["docker"] == "29.1.0"
        assert lab.versions["postgresql"] == "image-of-primary:1"
        assert "locust" not in lab.processes()


async def test_one_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one is refused before it touches a container."""
    async with opened(tmp_path, monkeypatch) as (_, fake):
        before = fake.said("stop")
        with pytest.raises(UsageProblem, match="another run has the containers; wait for its end"):
            async with open_compose(shop(tmp_path), logs=tmp_path / "more"):
                pytest.fail("it opened")
        assert fake.said("stop") == before


async def test_an_unknown_service_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And those that there are are named."""
    async with opened(tmp_path, monkeypatch) as (lab, _):
        with pytest.raises(UsageProblem, match="there is no service `shop`; there are edge, payment"):
            await lab.start_services({"shop": {}})


async def test_containers_must_be_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not is named, with the remedy, and nothing is touched."""
    fake = install(tmp_path, monkeypatch)
    fake.tell_end("queue", 1)
    with pytest.raises(UsageProblem, match="containers are not up: queue; start them with `make up`"):
        async with open_compose(shop(tmp_path), logs=tmp_path / "logs"):
            pytest.fail("it opened")
    assert not fake.said("stop")
    assert not fake.said("up")


async def test_another_system_has_no_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain is run without them."""
    install(tmp_path, monkeypatch)
    chain = read_description(CHECKOUT / "services/chain/lab.toml", CHECKOUT)
    with pytest.raises(UsageProblem, match=r"has no .*chain-a.*; run without --target compose"):
        await require_containers(chain)


async def test_a_checkout_without_the_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Docker is asked."""
    fake = install(tmp_path, monkeypatch)
    with pytest.raises(UsageProblem, match=r"has no compose\.yaml"):
        await require_containers(read_description(write_shop(tmp_path), tmp_path))
    assert fake.asked == []


async def test_a_port_that_is_not_published_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to add where."""
    install(tmp_path, monkeypatch)
    file = await require_containers(shop(tmp_path))
    with pytest.raises(UsageProblem, match=r"compose\.yaml: edge does not publish its port 8000; add it"):
        file.address("edge", 8000)
