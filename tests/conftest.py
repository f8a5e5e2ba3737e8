"""Async tests run on a virtual-time loop, unless marked `wall_clock`."""

import asyncio
import inspect
import signal

import pytest

from tests.virtual_time import run_virtual

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine functions; leave everything else to pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    coroutine = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    if pyfuncitem.get_closest_marker("wall_clock"):
        asyncio.run(coroutine)
    else:
        run_virtual(coroutine)
    return True
