"""What goes wrong inside the database: one statement that does it, one that takes it back."""

import asyncio

import asyncpg

from rulezero.errors import Problem

_TIMEOUT_S = 5.0


def execute(dsn: str, sql: str, what: str) -> None:
    """Run one statement on a connection of its own; `what` says what for. Blocks. Raises Problem."""
    try:
        asyncio.run(_execute(dsn, sql))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Problem(f"{what}: the primary refused: {type(error).__name__}: {error}") from None


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S)
    try:
        await connection.execute(sql, timeout=_TIMEOUT_S)
    finally:
        await connection.close(timeout=_TIMEOUT_S)
