"""The contended stock, on a real PostgreSQL with the shop's own schema."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from rulezero.lab.description import read_description
from rulezero.lab.lab import open_lab
from rulezero.runner.database_faults import execute
from toxics.stock_is_contended import FAULT, WORK_S

ROOT = Path(__file__).parents[2]


async def reserved(dsn: str, items: Sequence[int]) -> list[int | None]:
    """Reserve a piece of each item at one moment; None where that failed for the sake of another."""

    async def one(item: int) -> int | None:
        connection = await asyncpg.connect(dsn)
        try:
            found: int = await connection.fetchval("SELECT reserve_piece($1, 1000, 0)", item)
        except asyncpg.SerializationError:
            return None
        finally:
            await connection.close()
        return found

    return list(await asyncio.gather(*(one(item) for item in items)))


def losers(found: list[int | None]) -> int:
    return sum(one is None for one in found)


@pytest.mark.end_to_end
@pytest.mark.wall_clock
async def test_of_those_who_have_read_the_same_one_wins(tmp_path: Path) -> None:
    """Whether the row is new or not; who is alone wins, nothing is reserved twice, and no trace is left of it."""
    clock = asyncio.get_running_loop().time
    async with open_lab(read_description(ROOT / "services/lab.toml", ROOT), logs=tmp_path) as lab:
        dsn = lab.database_dsn("primary")
        await asyncio.to_thread(execute, dsn, FAULT.apply_sql, FAULT.text)
        assert losers(await reserved(dsn, [7, 7, 7])) == 2
        start_s = clock()
        assert losers(await reserved(dsn, [7, 7, 7])) == 2
        assert clock() - start_s >= WORK_S
        assert await reserved(dsn, [7]) == [3], "the losers have reserved nothing"
        assert await reserved(dsn, [1, 2, 3]) == [1, 1, 1]
        await asyncio.to_thread(execute, dsn, FAULT.revert_sql, FAULT.text)
        assert sorted(one or 0 for one in await reserved(dsn, [7, 7, 7])) == [4, 5, 6]
        await asyncio.to_thread(execute, dsn, FAULT.apply_sql, FAULT.text)
        await lab.reset()  # As after a run that was killed in the middle.
        assert losers(await reserved(dsn, [7, 7, 7])) == 0
