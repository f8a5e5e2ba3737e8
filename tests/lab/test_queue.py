"""The queue server of a lab: bounded, on loopback, and empty after a reset."""

import asyncio
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab import queue
from rulezero.lab.lab import make_plan
from tests.dependencies.fakes import tcp_server
from tests.dependencies.queues import NAME, Publisher, consumer_at
from tests.lab.support import toy_shop
from tests.queue_server import queue_server


def test_it_listens_on_loopback_and_its_memory_is_bounded(tmp_path: Path) -> None:
    """What it keeps on disk lies in the lab's folder."""
    text = queue.configuration(tmp_path, 4222)
    assert 'listen: "127.0.0.1:4222"' in text
    assert "max_memory_store: 32MB" in text
    assert f'store_dir: "{tmp_path}/queue"' in text


def test_only_a_lab_whose_links_lead_to_a_queue_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of services has none."""
    monkeypatch.setenv("RULEZERO_NATS_SERVER", "/no/such/server")
    assert make_plan(toy_shop(tmp_path)).queue_server is None
    with pytest.raises(UsageProblem, match="RULEZERO_NATS_SERVER=/no/such/server is no program; correct or unset it"):
        make_plan(toy_shop(tmp_path, queue=True))


@pytest.mark.wall_clock
async def test_emptying_leaves_no_message_and_no_consumer(tmp_path: Path) -> None:
    """A stream that is there again is a new one; an empty server is emptied too."""
    async with queue_server(tmp_path) as server:
        await queue.empty(server.port)
        publisher, consumer = Publisher(server.address), consumer_at(server.address)
        await publisher.queue.open()
        await consumer.open()
        await publisher.queue.publish("x")
        await consumer.receive()
        await queue.empty(server.port)
        listed = await publisher.ask("STREAM.NAMES")
        assert listed["total"] == 0
        await publisher.look()
        state = (await publisher.ask(f"STREAM.INFO.{NAME}"))["state"]
        assert (state["messages"], state["consumer_count"]) == (0, 0)
        await consumer.close()
        await publisher.queue.close()


@pytest.mark.wall_clock
@pytest.mark.parametrize("said", [b"", b"INFO {}\r\n-ERR 'no room'\r\n", b"nonsense" * 20_000])
async def test_a_server_that_cannot_be_emptied_is_told(said: bytes) -> None:
    """By an error that its caller knows, not by waiting for ever."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with tcp_server(talk) as address:
        with pytest.raises((OSError, EOFError, ValueError)):
            await queue.empty(int(address.rpartition(":")[2]))
