"""Loads for the Toxiproxy benchmark: closed loops of requests, new connections, one bulk stream.

Each runs for a window of time and tells what it counted in it and the CPU time that the proxy spent.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast

from benchmarks.toxiproxy_upstream import REQUEST, RESPONSE

HOST: Final = "127.0.0.1"
WARM_UP_S: Final = 0.1
CONNECTORS: Final = 8

CpuClock = Callable[[], float]
"""Seconds of CPU that the proxy has used so far."""


@dataclass
class Window:
    """What happened between opening and closing: `count` things, in seconds, and how long each took."""

    cpu_clock: CpuClock
    count: int = 0
    wall_s: float = 0.0
    over: bool = False
    cpu_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)

    async def measure(self, duration_s: float) -> None:
        """Warm up, then count for a while."""
        await asyncio.sleep(WARM_UP_S)
        self.latencies_s.clear()
        count, cpu_s, start_s = self.count, self.cpu_clock(), time.perf_counter()
        await asyncio.sleep(duration_s)
        self.wall_s = time.perf_counter() - start_s
        self.cpu_s = self.cpu_clock() - cpu_s
        self.count -= count
        self.over = True

    @property
    def per_s(self) -> float:
        """How many per second of the wall clock."""
        return self.count / self.wall_s


class _Requesting(asyncio.Protocol):
    """Sends a request, and when the answer is there calls `answered`, which may send the next one."""

    def __init__(self, window: Window, answered: Callable[["_Requesting"], None]) -> None:
        self._window = window
        self._answered = answered
        self._received_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.request()

    def request(self) -> None:
        self._sent_s = time.perf_counter()
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._received_bytes >= len(RESPONSE):
            self._received_bytes -= len(RESPONSE)
            self._window.count += 1
            self._window.latencies_s.append(time.perf_counter() - self._sent_s)
            self._answered(self)


class _Swallowing(asyncio.Protocol):
    """Counts bytes."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def data_received(self, data: bytes) -> None:
        self._window.count += len(data)


async def requests(port: int, connections: int, duration_s: float, cpu_clock: CpuClock) -> Window:
    """Send the next request on each of some connections as soon as the answer to the last one is there."""
    loop = asyncio.get_running_loop()
    window = Window(cpu_clock)
    make = partial(_Requesting, window, _Requesting.request)
    opened = [(await loop.create_connection(make, HOST, port))[0] for _ in range(connections)]
    await window.measure(duration_s)
    for transport in opened:
        transport.abort()
    return window


async def connections(port: int, duration_s: float, cpu_clock: CpuClock) -> Window:
    """Open a connection, ask once, close it, and again, several times at once."""
    window = Window(cpu_clock)
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTORS):
            group.create_task(_connect_again_and_again(port, window))
        await window.measure(duration_s)
    return window


async def _connect_again_and_again(port: int, window: Window) -> None:
    loop = asyncio.get_running_loop()
    while not window.over:
        answered: asyncio.Future[_Requesting] = loop.create_future()
        transport, _ = await loop.create_connection(partial(_Requesting, window, answered.set_result), HOST, port)
        await answered
        transport.close()


async def stream(port: int, duration_s: float, cpu_clock: CpuClock) -> Window:
    """Receive as many bytes as come."""
    window = Window(cpu_clock)
    transport, _ = await asyncio.get_running_loop().create_connection(partial(_Swallowing, window), HOST, port)
    await window.measure(duration_s)
    transport.abort()
    return window
