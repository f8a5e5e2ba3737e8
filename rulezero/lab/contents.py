"""What the databases hold: emptied between two arms, counted after one. The servers may run anywhere on loopback."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

from rulezero.errors import Problem
from rulezero.lab import postgres, ready
from rulezero.lab.description import ShopDescription

PRIMARY, STANDBY = "primary", "standby"
_CATCH_UP_TIMEOUT_S = 10.0


async def empty(description: ShopDescription, ports: Mapping[str, int]) -> None:
    """Empty the tables that requests write to on both servers, take back faults, zero the statistics.

    Raises:
        Problem: A server does not answer, or does not do it.

    """
    database = description.database
    try:
        statements = [*postgres.reset_statements(description.mutable_tables), *description.reset_sql]
        await postgres.execute(ports[PRIMARY], database, statements)
        await _caught_up(database, ports)
        for port in ports.values():
            await postgres.execute(port, database, ["SELECT pg_stat_reset()"])
    except asyncpg.UndefinedTableError as error:
        raise Problem(f"the database is of an older schema ({error}); `make down`, then `make up`") from error
    except TimeoutError as error:
        raise Problem(f"the standby has not caught up after {_CATCH_UP_TIMEOUT_S:g} s; see its log") from error
    except (OSError, asyncpg.PostgresError) as error:
        raise Problem(f"the database could not be reset ({error}); see the logs of the run") from error


async def count(description: ShopDescription, ports: Mapping[str, int]) -> dict[str, Any]:
    """Return what PostgreSQL counted since the last reset: `origin_total`, over both servers, and the `ledger`.

    Complete only while no service runs, because connections hand in their statistics when they end.
    """
    counted: dict[str, Any] = {}
    if query := description.origin_loads_sql:
        counts = [await postgres.ask(port, description.database, query) for port in ports.values()]
        counted["origin_total"] = sum(int(count) for count in counts)
        counted["origin_operation"] = description.origin_operation
    if query := description.ledger_sql:
        row = await postgres.ask_row(ports[PRIMARY], description.database, query)
        counted["ledger"] = {name: int(count) for name, count in row.items()}
    return counted


async def _caught_up(database: str, ports: Mapping[str, int]) -> None:
    written = await postgres.ask(ports[PRIMARY], database, "SELECT pg_current_wal_lsn()::text")
    query = f"SELECT pg_last_wal_replay_lsn() >= '{written}'"

    async def replayed() -> bool:
        return bool(await postgres.ask(ports[STANDBY], database, query))

    async with asyncio.timeout(_CATCH_UP_TIMEOUT_S):
        await ready.until(replayed)
