import asyncio

import pytest

from rulezero.errors import Problem, StorageProblem
from rulezero.lab.together import together


async def test_the_first_failure_is_raised_as_itself_and_the_others_are_cancelled() -> None:
    """The one who asked sees a Problem, also through two levels, and nothing goes on behind it."""
    cancelled: list[str] = []

    async def fail() -> None:
        await asyncio.sleep(1)
        raise StorageProblem("full")

    async def wait(name: str) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            cancelled.append(name)
            raise

    with pytest.raises(Problem, match="full"):
        await together(wait("outer"), together(fail(), wait("inner")))
    assert sorted(cancelled) == ["inner", "outer"]


async def test_all_jobs_run_at_the_same_time() -> None:
    """Two sleeps of a second take one."""
    clock = asyncio.get_running_loop().time
    start_s = clock()
    await together(asyncio.sleep(1), asyncio.sleep(1))
    assert clock() - start_s == pytest.approx(1)
