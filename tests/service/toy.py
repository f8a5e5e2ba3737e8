"""A service with no dependencies, for the tests of the process around it."""

import asyncio
import sys

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from services.handlers import routes


def create_app(runtime: Runtime) -> App:
    """Return the app: /name says who serves, /hang does not answer."""

    async def name(_: Request) -> Response:
        return PlainTextResponse(runtime.settings.instance)

    async def hang(_: Request) -> Response:
        await asyncio.sleep(3600)
        return PlainTextResponse("late")

    return App(routes(Route("/name", name), Route("/hang", hang)), slots=4)


def unreachable(runtime: Runtime) -> App:
    """Return an app whose database does not exist."""
    runtime.database("primary", pool_size=1)
    return App(routes(), slots=4)


def busy(runtime: Runtime) -> App:
    """Return an app that writes a line when its background begins and when it ends."""
    beside = create_app(runtime)

    async def work() -> None:
        sys.stderr.write("background begins\n")
        try:
            await asyncio.Event().wait()
        finally:
            sys.stderr.write("background ends\n")

    return App(beside.routes, slots=4, background=work)


def half_dead(runtime: Runtime) -> App:
    """Return an app whose background fails after a moment."""
    beside = create_app(runtime)

    async def work() -> None:
        await asyncio.sleep(0.2)
        raise ZeroDivisionError("the other half")

    return App(beside.routes, slots=4, background=work)
