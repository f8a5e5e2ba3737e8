"""Parts that are killed and started again, and a lab with a queue."""

from pathlib import Path

import asyncpg
import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.lab import Lab, open_lab
from tests.dependencies.queues import Publisher
from tests.lab.support import leftovers, toy_shop
from tests.lab.test_lab import ask, order, until_count

pytestmark = [pytest.mark.wall_clock, pytest.mark.end_to_end]


async def count(lab: Lab) -> int:
    connection = await asyncpg.connect(lab.database_dsn("primary"))
    try:
        return int(await connection.fetchval("SELECT count(*) FROM orders"))
    finally:
        await connection.close()


async def test_a_queue_is_there_and_reset_empties_it(place: Path, tmp_path: Path) -> None:
    """Behind its link; told among the versions and the processes."""
    async with open_lab(toy_shop(tmp_path, queue=True), logs=tmp_path / "logs") as lab:
        assert lab.versions["queue"].startswith("nats-server 2.")
        assert "queue" in lab.processes()
        publisher = Publisher(lab.links["edge-queue"], link="edge-queue")
        await publisher.queue.open()
        await publisher.queue.publish("x")
        await lab.reset()
        assert (await publisher.ask("STREAM.NAMES"))["total"] == 0
        await publisher.queue.close()

        await lab.kill("queue")
        await lab.start_again("queue")
        again = Publisher(lab.queue_address)
        await again.queue.open()
        await again.queue.publish("x")
        await again.queue.close()
        assert lab.exits() == []
    assert leftovers(place) == []


async def test_a_service_comes_back_as_it_was(place: Path, tmp_path: Path) -> None:
    """At its address, with its environment; one that runs is left alone, and one that never did is told."""
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        assert "queue" not in lab.versions
        with pytest.raises(UsageProblem, match="edge was never started"):
            await lab.start_again("edge")
        await lab.start_services({"edge": {"COLOUR": "red"}})
        before = await ask(lab.entry)
        await lab.start_again("edge")
        assert (await ask(lab.entry))["pid"] == before["pid"]
        await lab.kill("edge")
        await lab.start_again("edge")
        after = await ask(lab.entry)
        assert after["pid"] != before["pid"]
        assert after["COLOUR"] == "red"
        assert lab.exits() == []
    assert leftovers(place) == []


async def test_cache_and_databases_come_back(place: Path, tmp_path: Path) -> None:
    """The cache empty, the databases with what they held; the standby follows again. Toxiproxy cannot."""
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        await order(lab)
        await until_count(lab, "standby", 1)
        for name in ("cache", "standby", "primary"):
            await lab.kill(name)
            await lab.start_again(name)
        await order(lab)
        await until_count(lab, "standby", 2)
        assert await count(lab) == 2
        await lab.kill("toxiproxy")
        with pytest.raises(UsageProblem, match="toxiproxy cannot be started again"):
            await lab.start_again("toxiproxy")
        assert lab.exits() == []
    assert leftovers(place) == []
