"""Locust as a child process that is ready before the load starts and never outlives its parent.

The child opens its connections, says "ready" on its standard output, and is told on its standard input at which
instant of the monotonic clock, which all processes of a machine share, time 0 is. Whatever ends the parent, kill -9
included, closes that pipe, and the child ends with it.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from rulezero.errors import EXIT_IO, EXIT_USAGE, Problem, StorageProblem, UsageProblem
from rulezero.load.plan import PLAN_VARIABLE, LoadPlan, encode

READY = b"ready\n"
_PROBLEMS: dict[int, type[Problem]] = {EXIT_USAGE: UsageProblem, EXIT_IO: StorageProblem}
_LOG_LINES = 5
_LOG_TAIL_BYTES = 8192
_STOP_S = 2.0


class Generator:
    """One arm's load generator. Use it as `async with`, which never leaves the process behind.

    Args:
        plan: What to send.
        locustfile: Path of the locustfile; Locust runs in the folder above its own.
        plan_path: Where to write the plan.
        log_path: Where Locust's own log goes.

    Raises:
        UsageProblem: The plan contradicts itself, or its target may not be loaded.

    """

    def __init__(self, plan: LoadPlan, *, locustfile: Path, plan_path: Path, log_path: Path) -> None:
        # The child runs in another folder than this process.
        self._plan = replace(
            plan, rows_path=str(Path(plan.rows_path).resolve()), generator_path=str(Path(plan.generator_path).resolve())
        )
        self._text = encode(self._plan)
        self._locustfile = locustfile.resolve()
        self._plan_path = plan_path.resolve()
        self._log_path = log_path
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int | None:
        """Return the process's id, None before the start."""
        return self._process.pid if self._process else None

    async def start(self, *, timeout_s: float = 30.0) -> None:
        """Start Locust and wait until its connections are open.

        Raises:
            Problem: It ended or was not ready in time; the last lines of its log are in the message.
            StorageProblem: The plan, the log or the rows could not be written.

        """
        try:
            self._plan_path.write_bytes(self._text)
            log = self._log_path.open("ab")
        except OSError as error:
            raise StorageProblem(f"{error.filename}: {error.strerror}; choose another folder") from None
        with log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), stdin=PIPE, stdout=PIPE, stderr=log, env=self._environment(),
                cwd=self._locustfile.parent.parent, start_new_session=True,
            )  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                await self._until_ready(self._process)
        except TimeoutError:
            raise Problem(f"the load generator was not ready in {timeout_s:g} s{self._last_lines()}") from None

    async def begin(self, at_monotonic_s: float) -> None:
        """Tell the generator when time 0 is: an instant of the event loop's clock, better 0.2 s ahead."""
        process = self._running()
        if process.stdin is None:
            raise RuntimeError("the generator was started without a pipe")
        process.stdin.write(f"{at_monotonic_s!r}\n".encode())
        try:
            await process.stdin.drain()
        except ConnectionError:
            raise Problem(f"the load generator ended before the load began{self._last_lines()}") from None

    async def wait(self, *, timeout_s: float) -> None:
        """Wait until the whole load is sent and answered.

        Raises:
            Problem: It failed, or had not ended in time; the last lines of its log are in the message.
            StorageProblem: The rows could not be written.

        """
        try:
            async with asyncio.timeout(timeout_s):
                status = await self._running().wait()
        except TimeoutError:
            raise Problem(f"the load generator had not ended after {timeout_s:g} s{self._last_lines()}") from None
        if status != 0:
            raise self._problem(status)

    async def stop(self) -> None:
        """End the process, whatever it does; rows already made are written. Does nothing when it has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _command(self) -> list[str]:
        users = str(len(self._plan.streams) or 1)
        return [
            sys.executable, "-m", "locust", "-f", str(self._locustfile), "--headless", "--only-summary",
            "--host", self._plan.host, "--users", users, "--spawn-rate", users, "--exit-code-on-error", "0",
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        # The user's own Locust settings are for their runs by hand.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        return {**kept, PLAN_VARIABLE: str(self._plan_path)}

    async def _until_ready(self, process: Process) -> None:
        if process.stdout is None:
            raise RuntimeError("the generator was started without a pipe")
        while (line := await process.stdout.readline()) != READY:
            if not line:
                status = await process.wait()
                raise self._problem(status)

    def _running(self) -> Process:
        if self._process is None:
            raise RuntimeError("the generator was not started")
        return self._process

    def _problem(self, status: int) -> Problem:
        kind = _PROBLEMS.get(status, Problem)
        return kind(f"the load generator failed with status {status}{self._last_lines()}")

    def _last_lines(self) -> str:
        try:
            text = self._log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return "".join(f" | {line}" for line in lines[-_LOG_LINES:]) + f" | see {self._log_path}"
