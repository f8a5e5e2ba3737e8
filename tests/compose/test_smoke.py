"""The real compose.yaml: up, healthy, observed, broken, toggled, down. A few requests a second at most: no load test.

It needs Docker and every image, and takes minutes, so it runs where RULEZERO_TEST_COMPOSE is set: `make smoke`.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.compose import open_compose
from rulezero.lab.description import read_description
from tests.compose.stack import ENTRY, PROJECT, Stack, ask, copied, metric, seconds, until

VARIABLE = "RULEZERO_TEST_COMPOSE"
TOXIPROXY, PROMETHEUS, LOCUST = "http://127.0.0.1:8474", "http://127.0.0.1:9090", "http://127.0.0.1:8089"
ADMIN_PORTS = range(9101, 9108)
MAILER = 9107
CONTAINERS = 16
TOGGLE_S = 2.0
ARRIVALS = 20
TRACED = ("locust", "edge", "catalog", "checkout", "payment", "mailer")
LATENCY_S = 0.4
ITEM = {"item": 3, "operation_id": "smoke"}
REQUESTS = [
    ("/browse/3", None, 200),
    ("/search?q=3", None, 200),
    ("/offers/3", None, 200),
    ("/checkout", ITEM, 201),
    ("/receipts", {"operation_id": "smoke-receipt"}, 202),
]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(VARIABLE not in os.environ, reason=f"not run: it needs Docker; `make smoke` sets {VARIABLE}"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Bring it up; take it down whatever happens."""
    one = copied(tmp_path_factory.mktemp("checkout"))
    try:
        one.up()
        yield one
    finally:
        one.down()


def test_everything_comes_up_healthy(stack: Stack) -> None:
    """All containers run, and those that can tell say that they are well."""
    found = {one["Service"]: (one["State"], one["Health"]) for one in stack.containers()}
    assert len(found) == CONTAINERS
    assert found.pop("tempo") == ("running", "")
    assert set(found.values()) == {("running", "healthy")}


def test_prometheus_sees_every_target(stack: Stack) -> None:
    """But those on this machine, where no experiment runs; and it has taken every rule."""

    def down() -> list[str]:
        _, text = ask(f"{PROMETHEUS}/api/v1/targets?state=active")
        targets = json.loads(text)["data"]["activeTargets"]
        ours = [one for one in targets if "host.docker.internal" not in one["scrapeUrl"]]
        assert len(ours) >= len(ADMIN_PORTS)
        return [f"{one['scrapeUrl']}: {one['lastError']}" for one in ours if one["health"] != "up"]

    try:
        until(lambda: not down(), within_s=20)
    except AssertionError:
        pytest.fail("\n".join(down()))
    assert stack.folder.joinpath("dashboards/prometheus/rules/slo.yaml").is_file()
    groups = json.loads(ask(f"{PROMETHEUS}/api/v1/rules")[1])["data"]["groups"]
    assert groups
    assert [rule for group in groups for rule in group["rules"] if rule.get("lastError")] == []


@pytest.mark.parametrize(("path", "body", "status"), REQUESTS)
@pytest.mark.usefixtures("stack")
def test_every_route_answers(path: str, body: dict[str, object] | None, status: int) -> None:
    """From the first link through all the others."""
    found, text = ask(f"{ENTRY}{path}", body)
    assert found == status, text


@pytest.mark.usefixtures("stack")
def test_what_is_queued_is_sent() -> None:
    """The confirmation of an order and the receipt pass through the queue to the mailer's database."""
    until(lambda: metric(MAILER, "messages_processed_total", result="applied") >= 2, within_s=10)


@pytest.mark.usefixtures("stack")
def test_a_toxic_shows_in_the_latency() -> None:
    """For as long as it is there."""

    def buy() -> None:
        assert ask(f"{ENTRY}/checkout", ITEM)[0] == 201

    toxics = f"{TOXIPROXY}/proxies/checkout-payment/toxics"
    latency = {"name": "slow", "type": "latency", "attributes": {"latency": round(LATENCY_S * 1000)}}
    buy()
    before_s = seconds(buy)
    assert ask(toxics, latency)[0] == 200
    try:
        assert seconds(buy) > LATENCY_S
    finally:
        ask(f"{toxics}/slow", method="DELETE")
    assert before_s < LATENCY_S
    assert seconds(buy) < LATENCY_S


def test_a_saved_file_toggles_a_defence(stack: Stack) -> None:
    """In every service, within two seconds, also when the editor replaces the file."""
    file = stack.folder / "services/config/defences.toml"
    text = file.read_text(encoding="utf-8")

    def save(changed: str) -> None:
        new = file.with_suffix(".new")
        new.write_text(changed, encoding="utf-8")
        new.replace(file)

    def on(wanted: float) -> bool:
        return all(metric(port, "defence_enabled", defence="timeout") == wanted for port in ADMIN_PORTS)

    assert on(0)
    save(text.replace("[timeout]\nenabled = false", "[timeout]\nenabled = true"))
    try:
        took_s = until(lambda: on(1), within_s=3 * TOGGLE_S)
    finally:
        save(text)
    stack.figures["seconds from saving defences.toml to every /metrics"] = took_s
    until(lambda: on(0), within_s=3 * TOGGLE_S)
    assert took_s <= TOGGLE_S


@pytest.mark.usefixtures("stack")
def test_load_from_the_page_shows_in_prometheus() -> None:
    """Three arrivals a second, for as long as it takes to see them."""

    def arrivals() -> float:
        _, text = ask(f"{PROMETHEUS}/api/v1/query?query=sum(loadgen_arrivals_total)")
        result = json.loads(text)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    status, text = ask(f"{LOCUST}/swarm", form="user_count=3&spawn_rate=3&host=http://toxiproxy:21000")
    assert status == 200, text
    try:
        until(lambda: arrivals() >= ARRIVALS, within_s=30)
    finally:
        ask(f"{LOCUST}/stop")


def test_spans_of_that_load_arrive(stack: Stack) -> None:
    """From its root in the load generator through services on both sides of a link, and past the queue."""

    def missing() -> set[str]:
        lines = [line for line in stack.compose("logs", "--no-log-prefix", "tempo").splitlines() if '"otlp"' in line]
        return {service for service in TRACED if not any(f'"{service}"' in line for line in lines)}

    until(lambda: not missing(), within_s=20)


@pytest.mark.wall_clock
async def test_a_run_uses_the_containers(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services with the arm's settings, a killed one that comes back, one run at a time; then all is as it was."""
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", PROJECT)
    shop = read_description(stack.folder / "services/lab.toml", stack.folder)
    before = stack.environments()
    async with open_compose(shop, logs=tmp_path / "logs") as lab:
        await lab.start_services({"*": {"RULEZERO_DEFENCES_FILE": ""}, "mailer": {"RULEZERO_SLOTS": "2"}})
        await lab.reset()
        assert "RULEZERO_SLOTS=2" in stack.environments()["mailer"]
        assert (await asyncio.to_thread(ask, f"http://{lab.entry}/browse/3"))[0] == 200
        with pytest.raises(UsageProblem, match="another run has the containers"):
            async with open_compose(shop, logs=tmp_path / "more"):
                pytest.fail("it opened twice")
        await lab.kill("mailer")
        assert not stack.runs("mailer")
        await lab.start_again("mailer")
        assert stack.runs("mailer")
        assert lab.exits() == []
    assert stack.environments() == before
    stack.up()  # Healthy as at first, by its own checks.


def test_the_doctor_finds_nothing_amiss(stack: Stack, capfd: pytest.CaptureFixture[str]) -> None:
    """Docker, memory, ports and containers."""
    done = subprocess.run(
        [sys.executable, "-m", "rulezero", "doctor", "--target", "compose"],
        env={**os.environ, "COMPOSE_PROJECT_NAME": PROJECT},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"all {CONTAINERS} are up" in done.stdout
    used = stack.compose("stats", "--no-stream", "--format", "{{.MemUsage}}").splitlines()
    stack.figures["MB of memory used in all"] = sum(_megabytes(line.split(" / ")[0]) for line in used)
    with capfd.disabled():
        sys.stdout.write("".join(f"\n  {value:8.1f} {name}" for name, value in stack.figures.items()) + "\n")


def test_down_leaves_nothing(stack: Stack) -> None:
    """No container, volume or network of the project."""
    stack.down()
    label = f"label=com.docker.compose.project={PROJECT}"
    for listing in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        command = ["docker", *listing, "--quiet", "--filter", label]
        assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout == ""


def _megabytes(text: str) -> float:
    number = float(text.rstrip("BKMGi"))
    return number * {"K": 1024, "M": 1024**2, "G": 1024**3}.get(text.rstrip("iB")[-1], 1) / 1e6
