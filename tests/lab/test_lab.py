"""The whole lab, with toy services."""

import asyncio
import errno
import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from toxiproxy import Toxiproxy

from rulezero.errors import Problem, StorageProblem, UsageProblem
from rulezero.lab import template
from rulezero.lab.lab import Lab, open_lab
from rulezero.lab.ports import is_free
from tests.lab.support import leftovers, toy_shop, until

pytestmark = [pytest.mark.wall_clock, pytest.mark.end_to_end]


async def ask(address: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/") as response:
        answer: dict[str, Any] = json.loads(await response.read())
        return answer


async def count(lab: Lab, role: str, table: str = "orders") -> int:
    connection = await asyncpg.connect(lab.database_dsn(role))
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names from this file.
    finally:
        await connection.close()


async def order(lab: Lab) -> None:
    connection = await asyncpg.connect(lab.database_dsn("primary"))
    try:
        await connection.execute("INSERT INTO orders (item) VALUES ('shoe')")
    finally:
        await connection.close()


async def until_count(lab: Lab, role: str, wanted: int) -> None:
    async with asyncio.timeout(10):
        while await count(lab, role) != wanted:  # noqa: ASYNC110 - another process sets no event.
            await asyncio.sleep(0.01)


async def test_services_answer_through_their_links_and_get_their_own_environment(place: Path, tmp_path: Path) -> None:
    """Behind the entry is the service itself, told its names, its links and what the caller adds."""
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs", seed=7) as lab:
        await lab.start_services({"*": {"COLOUR": "red"}, "payment": {"COLOUR": "blue"}})
        edge, payment = await ask(lab.entry), await ask(lab.links["edge-payment"])
        assert (edge["RULEZERO_INSTANCE"], edge["RULEZERO_SERVICE"], edge["COLOUR"]) == ("edge", "edge", "red")
        assert (payment["RULEZERO_SERVICE"], payment["COLOUR"], payment["RULEZERO_SEED"]) == ("pay", "blue", "7")
        assert json.loads(edge["RULEZERO_LINKS"]) == lab.links
        address = lab.database_dsn("primary").partition("@")[2].partition("/")[0]
        assert edge["RULEZERO_DATABASE"].format(address=address) == lab.database_dsn("primary")

        await lab.start_services({})
        again = await ask(lab.entry)
        assert again["pid"] != edge["pid"]
        assert "COLOUR" not in again
        assert lab.exits() == []
        assert set(lab.processes()) == {"keeper", "primary", "standby", "cache", "toxiproxy", "edge", "payment"}
        assert len(lab.processes()["primary"]) > 3
    assert leftovers(place) == []


async def test_the_standby_follows_through_its_link_and_reset_starts_over(place: Path, tmp_path: Path) -> None:
    """Cutting the replication link stops the standby from following; reset mends it and empties what requests write."""
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        await order(lab)
        await until_count(lab, "standby", 1)
        proxy = Toxiproxy().get_proxy("replica-primary")
        await asyncio.to_thread(proxy.disable)
        await order(lab)
        await asyncio.sleep(0.2)
        assert (await count(lab, "primary"), await count(lab, "standby")) == (2, 1)

        await lab.reset()
        assert (await count(lab, "primary"), await count(lab, "standby")) == (0, 0)
        assert await count(lab, "standby", "items") == 1
        assert lab.exits() == []
    assert leftovers(place) == []


async def test_reset_zeroes_the_origin_counters_on_both_servers_and_empties_the_cache(
    place: Path, tmp_path: Path
) -> None:
    """Calls are counted on primary and standby alike, and from zero after a reset."""
    query = "SELECT coalesce(sum(calls), 0)::int FROM pg_stat_user_functions"
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        host, _, port = lab.cache_address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"SET hot 1\r\n")
        assert await reader.readline() == b"+OK\r\n"
        calls = {}
        for role in ("primary", "standby"):
            connection = await asyncpg.connect(lab.database_dsn(role))
            await connection.execute("SELECT count_items()")
            await connection.execute("SELECT pg_stat_force_next_flush()")
            calls[role] = [await connection.fetchval(query)]
            await connection.close()
        await lab.reset()
        for role, seen in calls.items():
            connection = await asyncpg.connect(lab.database_dsn(role))
            seen.append(await connection.fetchval(query))
            await connection.close()
        assert calls == {"primary": [1, 0], "standby": [1, 0]}
        writer.write(b"EXISTS hot\r\n")
        assert await reader.readline() == b":0\r\n"
        writer.close()
    assert leftovers(place) == []


async def test_a_death_is_reported_with_the_log_unless_it_was_on_purpose(place: Path, tmp_path: Path) -> None:
    """A service that somebody else kills is an unexpected exit; one that the experiment kills, or pauses, is not."""
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        await lab.start_services({})
        await lab.pause("edge")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(lab.entry)
        await lab.resume("edge")
        assert (await ask(lab.entry))["RULEZERO_INSTANCE"] == "edge"
        await lab.kill("edge")
        assert "edge" not in lab.processes()
        assert lab.exits() == []

        os.kill(lab.processes()["payment"][0], 9)
        await until(lab.exits)
        (part,) = lab.exits()
        assert (part.name, part.status) == ("payment", "killed by SIGKILL")
        assert part.log_tail[-1] == "toy payment starts"
        await lab.start_services({})
        assert (await ask(lab.entry))["RULEZERO_INSTANCE"] == "edge"
    assert leftovers(place) == []


async def test_a_paused_and_a_killed_database_are_cleaned_up(place: Path, tmp_path: Path) -> None:
    """Neither a stopped process nor the remains of a killed one outlive the lab."""
    async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs") as lab:
        await lab.pause("primary")
        await lab.pause("cache")
        await lab.kill("standby")
    assert leftovers(place) == []


async def test_a_service_that_dies_at_its_start_is_named_with_its_last_words(place: Path, tmp_path: Path) -> None:
    """The start fails at once, in one line, and leaves no half-started services."""
    async with open_lab(toy_shop(tmp_path, app="tests.lab.toy:dies"), logs=tmp_path / "logs") as lab:
        with pytest.raises(
            Problem, match=r"^payment did not start: exit status 1 \(no capacity left for toys\)"
        ) as told:
            await lab.start_services({})
        assert "\n" not in str(told.value)
        assert not {"edge", "payment"} & set(lab.processes())
        with pytest.raises(UsageProblem, match="there is no service `paymnt`; there are edge, payment"):
            await lab.start_services({"paymnt": {}})
    assert leftovers(place) == []


async def test_a_module_that_cannot_be_imported_is_named(place: Path, tmp_path: Path) -> None:
    """A mistake in a service's module is told as one line, not as a service that never answers."""
    async with open_lab(toy_shop(tmp_path, app="tests.lab.no_such_toy:app"), logs=tmp_path / "logs") as lab:
        with pytest.raises(Problem, match=r"tests\.lab\.no_such_toy cannot be imported .ModuleNotFoundError"):
            await lab.start_services({})
    assert leftovers(place) == []


async def test_a_mistake_in_the_schema_is_named_and_leaves_no_template(
    place: Path, tmp_path: Path, template_cache: Path
) -> None:
    """The file and PostgreSQL's own words are in the line."""
    before = set((template_cache / "rulezero").glob("*"))
    with pytest.raises(UsageProblem, match=r"schema\.sql: relation \"nothing\" does not exist; correct the schema"):
        async with open_lab(toy_shop(tmp_path, schema="SELECT * FROM nothing"), logs=tmp_path / "logs"):
            raise AssertionError("the lab must not open")
    assert set((template_cache / "rulezero").glob("*")) == before
    assert leftovers(place) == []


@pytest.mark.parametrize("moment", ["publish", "copy"])
async def test_a_full_disk_is_one_line_and_leaves_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """No space in the cache folder or in the temporary folder: the folder and the remedy are named."""
    if moment == "publish":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = template.copy

    def full(source: Path, target: Path) -> None:
        copy(source, target)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(template, "copy", full)
    with pytest.raises(StorageProblem, match=r"\(No space left on device\); make room there or set \w+ to") as told:
        async with open_lab(toy_shop(tmp_path), logs=tmp_path / "logs"):
            raise AssertionError("the lab must not open")
    assert "\n" not in str(told.value)
    assert leftovers(place) == []
    if moment == "publish":
        assert list((tmp_path / "cache" / "rulezero").iterdir()) == []


async def test_a_missing_program_or_a_busy_entry_port_is_one_line(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started when something is missing."""
    description = toy_shop(tmp_path)
    async with open_lab(description, logs=tmp_path / "logs") as lab:
        port = int(lab.entry.rpartition(":")[2])
        with pytest.raises(UsageProblem, match=f"port {port} cannot be used .*; choose another one"):
            async with open_lab(description, logs=tmp_path / "more", entry_port=port):
                raise AssertionError("the lab must not open")
    assert is_free(port)
    async with open_lab(description, logs=tmp_path / "logs", entry_port=port) as lab:
        assert lab.entry == f"127.0.0.1:{port}"
    monkeypatch.setenv("RULEZERO_CACHE_SERVER", "/no/such/server")
    with pytest.raises(UsageProblem, match="RULEZERO_CACHE_SERVER=/no/such/server is no program; correct or unset it"):
        async with open_lab(description, logs=tmp_path / "none"):
            raise AssertionError("the lab must not open")
    assert not (tmp_path / "none").exists()
    assert leftovers(place) == []
