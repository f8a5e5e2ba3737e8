"""A service process: uvicorn on sockets that its parent opened, with the admin port beside it.

`python -m rulezero.service.process APP --port N --admin-port N` opens the sockets itself (containers).
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from socket import create_server, socket
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from rulezero.errors import EXIT_UNAVAILABLE, Problem, UsageProblem
from rulezero.outcome import CallError
from rulezero.service.admin import start_admin
from rulezero.service.deadline import DeadlineLayer
from rulezero.service.observed import ObservedLayer
from rulezero.service.runtime import Runtime
from rulezero.service.slots import SlotsLayer
from rulezero.settings import Settings, read_settings
from rulezero.telemetry import metrics
from rulezero.telemetry.tracing import start_tracing
from rulezero.toggles.store import ToggleStore

BACKLOG = 2048
# With a thousand requests in flight a full collection takes a tenth of a second, which is no part of any experiment.
GC_THRESHOLDS = (50_000, 50, 100)
_GRACE_S = 1
_LAG_STEP_S = 0.05
_LAG_WINDOW_S = 1.0

_log = logging.getLogger(__name__)


Background = Callable[[], Coroutine[Any, Any, None]]


class App:
    """What a service module's `create_app` returns: its routes, its capacity, and what it does besides.

    `background` runs from when the service is ready until it ends; one that fails ends the service.
    """

    def __init__(
        self, routes: ASGIApp, *, slots: int, service_s: float = 0.0, background: Background | None = None
    ) -> None:
        self.routes = routes
        self.slots = slots
        self.service_s = service_s
        self.background = background


def main(*, app: str, listen_fd: int, admin_fd: int) -> None:
    """Serve "module:function" on inherited sockets until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = read_settings(os.environ)
    with socket(fileno=listen_fd) as listener, socket(fileno=admin_fd) as admin:
        uvloop.run(_serve(app, settings, listener, admin))


async def _serve(app: str, settings: Settings, listener: socket, admin: socket) -> None:
    clock = asyncio.get_running_loop().time
    store = ToggleStore(settings.defences_file, clock=clock)
    ready = False
    admin_server = start_admin(admin, store=store, healthy=lambda: ready)
    tracing = start_tracing(service=settings.service, instance=settings.instance, endpoint=settings.otlp_endpoint)
    runtime = Runtime(settings, store)
    background = [asyncio.create_task(store.watch()), asyncio.create_task(_measure_lag())]
    try:
        made = _factory(app)(runtime)
        layered = layers(made, runtime)
        await runtime.open()
        gc.collect()
        gc.freeze()  # What lives now lives for ever: the collector need not walk it under load.
        gc.set_threshold(*GC_THRESHOLDS)
        ready = True
        # uvicorn raises the signal once more when it has stopped, which would end the process before its last spans
        # are sent.
        signal.signal(signal.SIGTERM, lambda *_: None)
        await _serve_beside(_uvicorn(layered), listener, made.background)
    finally:
        ready = False
        for task in background:
            task.cancel()
        await runtime.close()
        admin_server.shutdown()
        if tracing is not None:
            with suppress(Exception):
                await asyncio.to_thread(tracing.shutdown)


async def _serve_beside(server: uvicorn.Server, listener: socket, background: Background | None) -> None:
    """Serve until told to stop, the background beside it; its failure is this one's.

    A service that still answers, while its other half has died, would pass for healthy.
    """
    if background is None:
        await server.serve(sockets=[listener])
        return
    working = asyncio.create_task(background())

    def stop(_: object) -> None:
        server.should_exit = True

    working.add_done_callback(stop)
    try:
        await server.serve(sockets=[listener])
    finally:
        working.cancel()
        (ended,) = await asyncio.gather(working, return_exceptions=True)
    if isinstance(ended, Exception):
        raise ended


def layers(app: App, runtime: Runtime) -> ASGIApp:
    """Return the app inside its layers, outermost first: observed, deadline, slots."""
    number = runtime.settings.number
    slotted = SlotsLayer(
        app.routes,
        slots=int(number("slots", app.slots)),
        service_s=number("service_s", app.service_s),
        random=runtime.random("service"),
        admission=runtime.admission(),
        service_cv=number("service_cv", 1.0),
    )
    return ObservedLayer(DeadlineLayer(slotted, store=runtime.store))


def _uvicorn(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,  # Longer than the callers keep theirs: they close first, and never write into a close.
        timeout_graceful_shutdown=_GRACE_S,
    )
    return uvicorn.Server(config)


def _factory(app: str) -> Callable[[Runtime], App]:
    module, _, function = app.partition(":")
    try:
        factory: Callable[[Runtime], App] = getattr(import_module(module), function)
    except (ImportError, ValueError, AttributeError) as error:
        raise UsageProblem(f'{app!r} is no app ({error}); name one as in "services.edge.app:create_app"') from None
    return factory


async def _measure_lag() -> None:
    """Keep the worst lateness of the last second: a saturated loop shows before anything else does."""
    clock = asyncio.get_running_loop().time
    worst_s, window_end_s = 0.0, clock() + _LAG_WINDOW_S
    while True:
        due_s = clock() + _LAG_STEP_S
        await asyncio.sleep(_LAG_STEP_S)
        worst_s = max(worst_s, clock() - due_s)
        if clock() >= window_end_s:
            metrics.EVENT_LOOP_LAG.set(worst_s)
            worst_s, window_end_s = 0.0, clock() + _LAG_WINDOW_S


def _listen(host: str, port: int) -> socket:
    if not 0 <= port <= 65_535:
        raise UsageProblem(f"{port} is no port; give one from 0 to 65535")
    try:
        return create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise Problem(f"{host}:{port} cannot be listened on ({error}); choose another port") from None


def run_alone(argv: list[str]) -> int:
    """Open the sockets and serve: what a container starts."""
    parser = argparse.ArgumentParser(prog="python -m rulezero.service.process", description=__doc__)
    parser.add_argument("app", help='as in "services.edge.app:create_app"')
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--admin-port", type=int, default=9100)
    arguments = parser.parse_args(argv)
    sys.path.insert(0, str(Path.cwd()))
    try:
        listener, admin = _listen(arguments.host, arguments.port), _listen(arguments.host, arguments.admin_port)
        main(app=arguments.app, listen_fd=listener.detach(), admin_fd=admin.detach())
    except (Problem, CallError) as problem:
        _log.error("%s", problem)
        return problem.status if isinstance(problem, Problem) else EXIT_UNAVAILABLE
    return 0


if __name__ == "__main__":
    sys.exit(run_alone(sys.argv[1:]))
