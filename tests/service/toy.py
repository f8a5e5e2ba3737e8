"""A service with no dependencies, for the tests of the process around it."""

import asyncio

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
