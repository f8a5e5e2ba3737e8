"""Statements to PostgreSQL through a bounded pool: the pool is a real bottleneck, its waiting line is measured."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import asyncpg

from rulezero.calls import Operation
from rulezero.dependencies.attempts import Link
from rulezero.outcome import Failed, TimedOut, Unreachable
from rulezero.request_context import current_deadline_s, queueing_var
from rulezero.telemetry import metrics
from rulezero.toggles.stacks import Stack

_CONNECT_TIMEOUT_S = 10.0
_RELEASE_TIMEOUT_S = 10.0


async def _keep(_: object) -> None:
    """Leave a connection as it is: no statement here changes its state, and the driver's reset is one more trip."""


class Database:
    """One role (primary or replica) behind one link.

    `pool_size` connections at most; a caller holds one for as long as its statement runs, others wait in line.
    """

    def __init__(self, link: Link, *, role: str, dsn: str, pool_size: int, stack: Stack) -> None:
        self._link = link
        self._role = role
        self._stack = stack
        self._pool = asyncpg.create_pool(dsn, min_size=1, max_size=pool_size, timeout=_CONNECT_TIMEOUT_S, reset=_keep)
        # The loop keeps no strong reference to a task.
        self._releases: set[asyncio.Task[None]] = set()
        self._pending = metrics.CONNECTIONS_PENDING.labels(pool=link.name)
        self._used = metrics.CONNECTIONS.labels(pool=link.name, db_client_connection_state="used")
        metrics.CONNECTIONS.labels(pool=link.name, db_client_connection_state="max").set(pool_size)

    async def open(self) -> None:
        """Connect once, so that a missing database is noticed at the start."""
        try:
            await self._pool
            async with self._pool.acquire():
                pass  # A pool that could not be opened says nothing when it is opened again.
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unreachable(f"{self._link.name}: no database at {self._link.address}: {error}") from None

    async def close(self) -> None:
        """Drop the connections, also those in use."""
        with suppress(asyncpg.InterfaceError):  # It never was open.
            self._pool.terminate()

    async def fetch(self, operation_name: str, sql: str, *arguments: Any, idempotent: bool = True) -> list[Any]:
        """Return the rows of a statement, `operation_name` naming it in metrics ("load_item").

        Raises:
            CallError: One of the outcomes other than ok.

        """
        operation = Operation(
            name=operation_name,
            dependency=self._role,
            idempotent=idempotent,
            deadline_s=current_deadline_s(),
            elsewhere=False,
        )
        rows: list[Any] = await self._stack.call(operation, partial(self._send, sql=sql, arguments=arguments))
        return rows

    async def _send(self, operation: Operation, *, sql: str, arguments: tuple[Any, ...]) -> list[Any]:
        with self._link.attempt(operation):
            try:
                return await self._run(operation, sql, arguments)
            except asyncpg.QueryCanceledError as error:
                raise TimedOut(f"{self._link.name}: {error}") from None
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                raise Failed(f"{self._link.name}: {type(error).__name__}: {error}") from None

    async def _run(self, operation: Operation, sql: str, arguments: tuple[Any, ...]) -> list[Any]:
        connection = await self._acquire()
        clock = asyncio.get_running_loop().time
        start_s = clock()
        try:
            with self._used.track_inprogress():
                rows: list[Any] = await connection.fetch(sql, *arguments)
                return rows
        finally:
            metrics.DATABASE_DURATION.labels(operation.name, self._role).observe(clock() - start_s)
            self._release(connection)

    async def _acquire(self) -> Any:
        clock = asyncio.get_running_loop().time
        start_s, queueing = clock(), queueing_var.get()
        with self._pending.track_inprogress():
            try:
                return await self._pool.acquire()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                raise Unreachable(f"{self._link.name}: no connection: {type(error).__name__}: {error}") from None
            finally:
                if queueing is not None:
                    queueing.total_s += clock() - start_s

    def _release(self, connection: Any) -> None:
        """Give a connection back without waiting.

        After a cancellation the driver waits for the server's word, and a link that hangs must not hold the caller.
        """
        release = asyncio.ensure_future(self._pool.release(connection, timeout=_RELEASE_TIMEOUT_S))
        self._releases.add(release)
        release.add_done_callback(self._released)

    def _released(self, release: asyncio.Task[None]) -> None:
        self._releases.discard(release)
        if not release.cancelled():
            release.exception()  # Looked at, no more: the driver has dropped the connection and will make another.
