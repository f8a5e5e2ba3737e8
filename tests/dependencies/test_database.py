"""With a pool that does as it is told; the lab's tests use a real server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from rulezero.defences.timeout import AttemptTimedOut
from rulezero.dependencies.attempts import Link
from rulezero.dependencies.database import Database
from rulezero.outcome import CallError, Failed, TimedOut, Unreachable
from rulezero.request_context import Queueing, queueing_var
from rulezero.toggles.stacks import Stack
from tests.counters import Change
from tests.defences.fakes import cancel, now_s, others, settle
from tests.dependencies.fakes import LinkChanges, stack

Work = Callable[[], Awaitable[list[Any]]]


class Pool:
    """So many connections; `acquiring`, `work` and `releasing` are what each step does."""

    def __init__(self, size: int, work: Work) -> None:
        self.work = work
        self.acquiring: BaseException | None = None
        self.releasing: Work | None = None
        self.free = asyncio.Semaphore(size)
        self.out = 0
        self.statements: list[tuple[Any, ...]] = []

    async def acquire(self) -> "Pool":
        if self.acquiring:
            raise self.acquiring
        await self.free.acquire()
        self.out += 1
        return self

    async def fetch(self, *statement: Any) -> list[Any]:
        self.statements.append(statement)
        return await self.work()

    async def release(self, connection: "Pool", *, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg has it.
        assert connection is self
        try:
            if self.releasing:
                async with asyncio.timeout(timeout):
                    await self.releasing()
        finally:
            self.out -= 1
            self.free.release()


async def one_second() -> list[Any]:
    await asyncio.sleep(1)
    return [{"id": 7}]


async def for_ever() -> list[Any]:
    await asyncio.sleep(365 * 86_400)
    return []


def raising(error: BaseException) -> Work:
    async def work() -> list[Any]:
        await asyncio.sleep(1)
        raise error

    return work


def database_on(work: Work, *, size: int = 1, calls: Stack | None = None) -> tuple[Database, Pool, LinkChanges]:
    link = Link(name="edge-db", address="127.0.0.1:1", dependency="db")
    calls = calls or stack(dependency="db")
    database = Database(link, role="db", dsn="postgresql://x@127.0.0.1:1/x", pool_size=size, stack=calls)
    pool = Pool(size, work)
    database._pool = pool  # type: ignore[assignment]  # A fake.
    return database, pool, LinkChanges(link, "db")


async def test_a_statement_gives_rows_and_the_connection_back() -> None:
    """Counted, timed without the time in line, and by name."""
    database, pool, changes = database_on(one_second)
    labels = {"db_operation_name": "load", "db_role": "db"}
    took_s = Change("db_client_operation_duration_seconds_sum", **labels)
    rows = await asyncio.gather(*(database.fetch("load", "SELECT $1", number) for number in range(3)))
    assert rows == [[{"id": 7}]] * 3
    assert pool.statements == [("SELECT $1", number) for number in range(3)]
    await settle()
    assert (now_s(), took_s(), pool.out) == (3, 3, 0)
    assert (changes.attempts, changes.outcomes) == ((3, 0), {"ok": 3})


async def test_the_line_for_a_connection_is_seen() -> None:
    """It is the bottleneck that a herd overruns."""
    database, _, _ = database_on(one_second, size=2)
    pending = Change("db_client_connection_pending_requests", pool="edge-db")
    used = Change("db_client_connection_count", pool="edge-db", db_client_connection_state="used")
    tasks = [asyncio.create_task(database.fetch("load", "SELECT 1")) for _ in range(5)]
    await asyncio.sleep(0.5)
    assert (used(), pending()) == (2, 3)
    assert Change("db_client_connection_count", pool="edge-db", db_client_connection_state="max").value == 2
    await cancel(*tasks)
    await settle()
    assert (used(), pending()) == (0, 0)


async def test_the_time_in_line_is_told_to_whoever_asks() -> None:
    """Apart from the work; also of attempts that were given up in the line."""
    database, _, _ = database_on(one_second)
    lines = [Queueing() for _ in range(3)]

    async def fetch(queueing: Queueing) -> None:
        queueing_var.set(queueing)
        await database.fetch("load", "SELECT 1")

    tasks = [asyncio.create_task(fetch(queueing)) for queueing in lines]
    await asyncio.sleep(1.5)
    await cancel(tasks[2])
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [queueing.total_s for queueing in lines] == pytest.approx([0.0, 1.0, 1.5])


async def test_a_statement_is_not_hedged() -> None:
    """Its copy would wait in the same line, for the same server: and the time in line would be told twice."""
    database, pool, changes = database_on(one_second, calls=stack(dependency="db", hedging={"delay_s": 0.1}))
    queueing = Queueing()
    queueing_var.set(queueing)
    for _ in range(20):  # Pays for a copy.
        await database.fetch("load", "SELECT 1")
    asyncio.get_running_loop().call_later(0.5, pool.free.release)
    await pool.free.acquire()
    await database.fetch("load", "SELECT 1")
    assert (changes.attempts, changes.hedges) == ((21, 0), 0)
    assert queueing.total_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.QueryCanceledError("statement timeout"), TimedOut),
        (asyncpg.DeadlockDetectedError("x"), Failed),
        (asyncpg.ConnectionDoesNotExistError("x"), Failed),
        (asyncpg.InterfaceError("x"), Failed),
        (ConnectionResetError("x"), Failed),
    ],
)
async def test_a_statement_that_breaks_may_have_been_carried_out(error: Exception, kind: type[CallError]) -> None:
    """The connection goes back all the same."""
    database, pool, changes = database_on(raising(error))
    with pytest.raises(kind) as caught:
        await database.fetch("load", "SELECT 1")
    await settle()
    assert type(caught.value) is kind
    assert not caught.value.definite
    assert changes.outcomes == {kind.outcome.value: 1}
    assert pool.out == 0


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError("x"), TimeoutError(), asyncpg.TooManyConnectionsError("x"), asyncpg.InterfaceError("x")],
)
async def test_without_a_connection_nothing_was_done(error: Exception) -> None:
    """That is definite, so a write may be tried again."""
    database, pool, changes = database_on(one_second)
    pool.acquiring = error
    with pytest.raises(Unreachable) as caught:
        await database.fetch("place", "INSERT", idempotent=False)
    assert caught.value.definite
    assert pool.statements == []
    assert (changes.attempts, changes.outcomes) == ((1, 0), {"error": 1})


async def test_a_timeout_holds_even_when_the_link_hangs() -> None:
    """The driver then waits for the server's word on the cancellation, but no longer on the caller's time."""
    database, pool, changes = database_on(for_ever, calls=stack(dependency="db", timeout={"timeout_s": 0.5}))
    pool.releasing = for_ever
    with pytest.raises(AttemptTimedOut):
        await database.fetch("load", "SELECT 1")
    assert now_s() == 0.5
    assert changes.outcomes == {"timeout": 1}
    assert pool.out == 1, "the connection is not free before the driver has dropped it"
    await asyncio.sleep(11)
    assert pool.out == 0
    assert others() == set()


async def test_trouble_in_giving_a_connection_back_does_not_spoil_the_rows() -> None:
    """The statement was carried out; the driver makes a new connection."""
    database, pool, changes = database_on(one_second)
    pool.releasing = raising(ConnectionResetError("x"))
    assert await database.fetch("load", "SELECT 1") == [{"id": 7}]
    assert changes.outcomes == {"ok": 1}
    await asyncio.sleep(2)
    assert pool.out == 0


@pytest.mark.wall_clock
async def test_a_database_that_is_not_there_is_told_and_closing_it_is_harmless() -> None:
    """Else the error of the close would hide the one that matters."""
    link = Link(name="edge-db", address="127.0.0.1:1", dependency="db")
    calls = stack(dependency="db")
    database = Database(link, role="db", dsn="postgresql://x@127.0.0.1:1/x", pool_size=1, stack=calls)
    with pytest.raises(Unreachable, match=r"edge-db: no database at 127\.0\.0\.1:1"):
        await database.open()
    with pytest.raises(Unreachable, match=r"edge-db: no database at 127\.0\.0\.1:1"):
        await database.open()
    await database.close()
