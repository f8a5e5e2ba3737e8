"""The runner's end of the keeper: ask, be told of exits, and make sure of the end."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rulezero.errors import Problem
from rulezero.lab import directory
from rulezero.lab.messages import Exited, Reply, Request, answers, line
from rulezero.lab.threads import to_the_end

_END_TIMEOUT_S = 15.0
_REPLY_TIMEOUT_S = 60.0


class Control:
    """A running keeper. `on_exit` hears of every part that ends, and of the keeper's own unwanted end as None."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, on_exit: Callable[[Exited | None], None]
    ) -> None:
        self._process = process
        self._folder = folder
        self._on_exit = on_exit
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._over = False

    async def connect(self, ours: socket.socket) -> None:
        """Begin to talk."""
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._listening = asyncio.create_task(self._listen(reader))

    @property
    def pid(self) -> int:
        """Return the keeper's process id."""
        return self._process.pid

    async def ask(self, request: Request) -> Reply:
        """Return the answer. Raises Problem when the keeper cannot do it, or is dead."""
        if self._over:
            raise _died()
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._writer.write(line(request))
        try:
            await asyncio.wait((future,), timeout=_REPLY_TIMEOUT_S)
        except asyncio.CancelledError:
            future.cancel()  # It keeps its place in the line of replies.
            raise
        if not future.done():
            raise Problem(f"the keeper of the lab is stuck in a request ({type(request).__name__}); see its log")
        reply = future.result()
        if reply.error:
            raise Problem(reply.error)
        return reply

    async def close(self) -> None:
        """End the keeper and with it every part; return when nothing is left."""
        self._over = True
        self._writer.close()
        await to_the_end(_end, self._process, self._folder)
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            async for text in reader:
                self._hear(answers.decode(text))
        for future in self._waiting:
            if not future.done():
                future.set_exception(_died())
        if not self._over:
            self._over = True
            await to_the_end(directory.kill_parts, self._folder)
            self._on_exit(None)

    def _hear(self, answer: Reply | Exited) -> None:
        if isinstance(answer, Exited):
            self._on_exit(answer)
            return
        future = self._waiting.popleft()
        if not future.done():  # The one who asked may have been cancelled.
            future.set_result(answer)


async def start_keeper(folder: Path, root: Path, log: Path, on_exit: Callable[[Exited | None], None]) -> Control:
    """Start a keeper for the lab in `folder`; services are imported from `root`."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = _spawn(theirs, folder, root, log)
    control = Control(process, folder, on_exit)
    try:
        await control.connect(ours)
    except BaseException:
        ours.close()
        _end(process, folder)
        raise
    return control


def _spawn(theirs: socket.socket, folder: Path, root: Path, log: Path) -> subprocess.Popen[bytes]:
    descriptor = theirs.fileno()
    with log.open("ab") as output:
        # A session of its own: Ctrl-C at a terminal is for the runner, which then ends the lab in order.
        return subprocess.Popen(
            [sys.executable, "-m", "rulezero.lab.keeper", str(descriptor), str(folder), str(root)],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait for a keeper whose socket is closed, then remove what it could not."""
    try:
        process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if folder.exists():
        directory.kill_parts(folder)
        directory.remove(folder)


def _died() -> Problem:
    return Problem("the keeper of the lab has died; start the lab again")
