"""A Grafana that keeps annotations and answers as the real one does, or refuses, or says something else."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web


class FakeGrafana:
    """`annotations` by number; `status` other than 200 is answered to everything, with `body`."""

    def __init__(self) -> None:
        self.annotations: dict[int, dict[str, Any]] = {}
        self.logins: set[str] = set()
        self.asked: list[str] = []
        self.status = 200
        self.body: str | None = None
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        self.logins.add(request.headers.get("Authorization", ""))
        if self.body is not None or self.status != 200:
            return web.Response(status=self.status, text=self.body or '{"message": "not today"}')
        if request.path == "/api/health":
            return web.json_response({"database": "ok", "version": "13.2.3"})
        number = int(request.match_info.get("number") or len(self.annotations) + 1)
        self.annotations[number] = await request.json()
        return web.json_response({"id": number, "message": "Annotation added"})


@contextmanager
def serving(fake: FakeGrafana) -> Iterator[FakeGrafana]:
    """Serve from a thread, because the client blocks."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    app = web.Application()
    app.router.add_get("/api/health", fake.answer)
    app.router.add_post("/api/annotations", fake.answer)
    app.router.add_put("/api/annotations/{number}", fake.answer)
    runner = web.AppRunner(app)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()

    def serve() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    try:
        yield fake
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
