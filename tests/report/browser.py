"""A headless Chromium, driven through its DevTools protocol: the system's own, nothing is downloaded.

A full driver brings a Node runtime of 130 MB; what the tests need of it is a page, a script in it and a screenshot.
Source: https://chromedevtools.github.io/devtools-protocol/
"""

import asyncio
import base64
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0", "--hide-scrollbars",
)  # fmt: skip
START_S_MAX = 60.0
ANSWER_S_MAX = 60.0
MESSAGE_BYTES_MAX = 1 << 26


def find() -> str | None:
    """Return the path of a Chromium of the system, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name)) is not None), None)


class Page:
    """One tab. `errors` is what its console and its scripts complained of, `requested` every address it asked for."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())
        self._loaded = asyncio.Event()
        self.errors: list[str] = []
        self.requested: list[str] = []

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._last += 1
        answered = self._waiting[self._last] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._last, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER_S_MAX):
            answer = await answered
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    async def open(self, path: Path, *, width: int, height: int, scheme: str = "light", media: str = "screen") -> None:
        """Show a file, by its absolute path, at a size in pixels, in light or dark, until it is loaded."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.send("Emulation.setEmulatedMedia", media=media, features=features)
        self._loaded.clear()
        await self.send("Page.navigate", url=path.as_uri())
        async with asyncio.timeout(ANSWER_S_MAX):
            await self._loaded.wait()

    async def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page; promises are waited for."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def print(self) -> bytes:
        """Return the first sheet of the page as a PDF."""
        return base64.b64decode((await self.send("Page.printToPDF", printBackground=True, pageRanges="1"))["data"])

    async def close(self) -> None:
        """Stop listening."""
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                waiting = self._waiting.pop(told["id"])
                if not waiting.done():
                    waiting.set_result(told)
            else:
                self._note(told["method"], told["params"])

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded.set()
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.errors.append(str(told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.errors.append(told["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])


@asynccontextmanager
async def open_page(program: str) -> AsyncIterator[Page]:
    """Start a browser with a profile of its own and give a tab of it; both are gone at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program, *FLAGS, f"--user-data-dir={profile}", "about:blank", stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                    tabs = await answer.json()
                address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
                async with session.ws_connect(address, max_msg_size=MESSAGE_BYTES_MAX) as socket:
                    page = Page(socket)
                    try:
                        yield page
                        await page.send("Browser.close")
                    finally:
                        await page.close()
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    """Return the port that the browser chose, once it says so."""
    async with asyncio.timeout(START_S_MAX):
        while not (told := _told(file)):  # noqa: ASYNC110 - another program writes it and cannot set an event.
            await asyncio.sleep(0.05)
    return told


def _told(file: Path) -> int:
    """Return the port in the file, 0 while it is not there or not yet whole."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return int(text.splitlines()[0]) if "\n" in text else 0
