import asyncio
import threading

import pytest

from rulezero.lab.threads import to_the_end

pytestmark = pytest.mark.wall_clock


async def test_a_cancelled_wait_ends_only_with_its_thread() -> None:
    """What the thread does is finished before anybody cleans up."""
    may_end, ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(10)
        ended.set()

    task = asyncio.create_task(to_the_end(work))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_the_result_and_the_error_are_passed_on() -> None:
    """As a plain call would."""
    assert await to_the_end(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await to_the_end(divmod, 7, 0)
