"""Docker's command line: each command bounded, and its failure one line."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE

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
    try:
        # In a session of its own: a Ctrl-C is for this process, which has things to put back in order.
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
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
            process.kill()
            await process.wait()
    if process.returncode:
        raise Problem(f"{_shown(arguments)}: {_last_line(err) or f'exit status {process.returncode}'}")
    return out.decode(errors="replace")


async def said(container: str, *, since: str = "", tail: int) -> str:
    """Return the last lines of a container's log, both of its streams in order. Raises Problem."""
    options = ["--tail", str(tail), *(("--since", since) if since else ())]
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "logs", *options, container,
        stdin=DEVNULL, stdout=PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out, _ = await process.communicate()
    except TimeoutError:
        raise Problem(f"docker logs {container} has not ended after {TIMEOUT_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode(errors="replace")


def _shown(arguments: tuple[str, ...]) -> str:
    words = [word for word in arguments if not word.startswith(("-", "/"))]
    return " ".join((PROGRAM, *words[:_WORDS_MAX]))


def _last_line(err: bytes) -> str:
    lines = [line.strip() for line in err.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
