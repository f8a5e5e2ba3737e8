"""A service that depends on nothing, so that only what every service has is under fire."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rulezero.service.process import App
from rulezero.service.runtime import Runtime


async def _answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def create_app(_: Runtime) -> App:
    """Return the app and its capacity."""
    return App(Starlette(routes=[Route("/plain", _answer)]), slots=8, service_s=0.001)
