"""One service of a chain of any length: it asks the next one, and the last one answers.

Which one is next is said by the links alone: the one that begins with this service's name ("chain-a-chain-b").
"""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from services.handlers import answer, answer_raw, routes

SLOTS = 500


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    name = next_of(runtime.settings.service, runtime.settings.links)
    following = runtime.http(name) if name else None

    async def chain(_: Request) -> Response:
        if following is None:
            return answer({"last": runtime.settings.service})
        reply = await following.request("GET", "/chain", route="/chain")
        return answer_raw(reply.body, reply.status)

    return App(routes(Route("/chain", chain)), slots=SLOTS)


def next_of(service: str, links: Iterable[str]) -> str | None:
    """Return the service that the first link from this one leads to, None for the last of the chain."""
    prefix = f"{service}-"
    return next((link.removeprefix(prefix) for link in sorted(links) if link.startswith(prefix)), None)
