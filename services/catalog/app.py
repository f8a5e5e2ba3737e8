"""The read path: cache, then replica, then primary.

Loading an item takes as long as the item is heavy (`items.weight_s`), and holds a connection of the pool for that
time: the pool is what a herd of loads overruns. Search is never cached and shares the pool.
"""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.outcome import CallError
from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from services.handlers import INTEGER_MAX, answer, answer_raw, routes

SLOTS = 1500
REPLICA_POOL = 16
PRIMARY_POOL = 5
CACHE_TTL_S = 60.0
SEARCH_S = 0.01
_TERM_CHARACTERS_MAX = 100

_NO_ROWS = b"[]"
_LOAD = "SELECT id, name, price_cents FROM load_item($1)"
_OFFER = "SELECT id, name, price_cents FROM items WHERE id = $1"
_SEARCH = "SELECT id, name, price_cents FROM search_items($1, $2)"


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    replica = runtime.database("replica", pool_size=REPLICA_POOL)
    primary = runtime.database("primary", pool_size=PRIMARY_POOL)
    items = runtime.read_through("items", ttl_s=CACHE_TTL_S)

    async def read(name: str, sql: str, *arguments: Any) -> list[Any]:
        try:
            return await replica.fetch(name, sql, *arguments)
        except CallError:
            # Also when a defence refused the replica: what may not be repeated there may still go elsewhere.
            return await primary.fetch(name, sql, *arguments)

    async def item(request: Request) -> Response:
        number = request.path_params["item"]
        if number > INTEGER_MAX:
            return answer_raw(_NO_ROWS, 404)  # PostgreSQL would call it an error, and a defence a sick database.

        async def load() -> bytes:
            return orjson.dumps([dict(row) for row in await read("load_item", _LOAD, number)])

        found = await items.get(f"item:{number}", load)
        return answer_raw(found, 200 if found != _NO_ROWS else 404)

    async def offer(request: Request) -> Response:
        number = min(request.path_params["item"], INTEGER_MAX)
        rows = await read("load_offer", _OFFER, number)
        return answer([dict(row) for row in rows])

    async def search(request: Request) -> Response:
        term = request.query_params.get("q", "")[:_TERM_CHARACTERS_MAX].replace("\0", "")  # PostgreSQL knows no NUL.
        rows = await read("search_items", _SEARCH, term, SEARCH_S)
        return answer([dict(row) for row in rows])

    listed = routes(
        Route("/items/{item:int}", item),
        Route("/offers/{item:int}", offer),
        Route("/search", search),
    )
    return App(listed, slots=SLOTS)
