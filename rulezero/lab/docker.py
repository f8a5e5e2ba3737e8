"""Docker's command line: each command bounded, and its failure one line."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT

from rulezero.errors import Problem, UsageProblem

PROGRAM = "docker"
TIMEOUT_S = 120.0
_WORDS_MAX = 4


async def docker(*arguments: str, timeout_s: float = TIMEOUT_S) -> str:
    """Return what a command prints.

    Raises:
        Problem: It failed, or takes longer than `timeout_s`.
        UsageProblem: There is no such program.

    """
    status, out, err = await _run(arguments, timeout_s, stderr=PIPE)
    if status:
        raise Problem(f"{_shown(arguments)}: {_last_line(err) or f'exit status {status}'}")
    return out.decode(errors="replace")


async def said(container: str, *, since: str = "", tail: int) -> str:
    """Return the last lines of a container's log, both of its streams in order. Raises as `docker` does."""
    options = ("--tail", str(tail), *(("--since", since) if since else ()))
    _, out, _ = await _run(("logs", *options, container), TIMEOUT_S, stderr=STDOUT)
    return out.decode(errors="replace")


async def _run(arguments: tuple[str, ...], timeout_s: float, *, stderr: int) -> tuple[int, bytes, bytes]:
    """Return the exit status and what went to the two streams."""
    try:
        # In a session of its own: a Ctrl-C is for this process, which has things to put back in order.
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=stderr, start_new_session=True
        )
    except OSError:
        raise UsageProblem(f"{PROGRAM} is not on PATH; see `rulezero doctor --target compose`") from None
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    except TimeoutError:
        raise Problem(f"{_shown(arguments)} has not ended after {timeout_s:g} s; look at `docker ps`") from None
    finally:
        if process.returncode is None:
            # The whole session: `docker compose` is another process, which would go on making containers.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, out, err or b""


def _shown(arguments: tuple[str, ...]) -> str:
    words = [word for word in arguments if not word.startswith(("-", "/"))]
    return " ".join((PROGRAM, *words[:_WORDS_MAX]))


def _last_line(err: bytes) -> str:
    lines = [line.strip() for line in err.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
