"""The stock: one row for each item that was ever ordered says how many of its pieces are reserved.

What is reserved stays so, also for an order that is never paid: giving it back is a saga, and this shop has none yet.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from services.handlers import answer, json_body, routes

SLOTS = 64
PRIMARY_POOL = 10
WRITE_S = 0.001
PIECES = 1_000_000  # of each item, before the first order

_RESERVE = "SELECT reserve_piece($1, $2, $3) AS reserved"


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    primary = runtime.database("primary", pool_size=PRIMARY_POOL)

    async def reserve(request: Request) -> Response:
        body = await json_body(request, item=int)
        if isinstance(body, Response):
            return body
        rows = await primary.fetch("reserve_piece", _RESERVE, body["item"], PIECES, WRITE_S, idempotent=False)
        reserved = rows[0]["reserved"]
        if reserved is None:
            return answer({"error": f"no piece of item {body['item']} is left"}, 409)
        return answer({"item": body["item"], "reserved": reserved}, 201)

    return App(routes(Route("/reservations", reserve, methods=["POST"])), slots=SLOTS)
