"""The front door: every request of a user holds one of its slots while it waits for the services behind.

The slots are shared by all routes. That is how most servers are run, and how one bad dependency takes the healthy
routes with it.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from services.handlers import answer_raw, json_body, routes

SLOTS = 64
OFFER_TTL_S = 60.0


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    catalog = runtime.http("catalog")
    checkout = runtime.http("checkout")
    offers = runtime.read_through("offers", ttl_s=OFFER_TTL_S)

    async def browse(request: Request) -> Response:
        reply = await catalog.request("GET", f"/items/{request.path_params['item']}", route="/items/{item}")
        return answer_raw(reply.body, reply.status)

    async def offer(request: Request) -> Response:
        # The edge keeps offers itself: what it gives up waiting for does not get into its cache.
        number = request.path_params["item"]

        async def load() -> bytes:
            return (await catalog.request("GET", f"/offers/{number}", route="/offers/{item}")).body

        return answer_raw(await offers.get(f"offer:{number}", load))

    async def search(request: Request) -> Response:
        reply = await catalog.request("GET", f"/search?{request.url.query}", route="/search")
        return answer_raw(reply.body, reply.status)

    async def buy(request: Request) -> Response:
        body = await json_body(request, item=int, operation_id=str)
        if isinstance(body, Response):
            return body
        reply = await checkout.request("POST", "/orders", route="/orders", body=body, idempotent=False)
        return answer_raw(reply.body, reply.status)

    async def receipt(request: Request) -> Response:
        body = await json_body(request, operation_id=str)
        if isinstance(body, Response):
            return body
        # Sent twice it would be two mails: the queue tells attempts of one publication apart, not publications.
        reply = await checkout.request("POST", "/receipts", route="/receipts", body=body, idempotent=False)
        return answer_raw(reply.body, reply.status)

    listed = routes(
        Route("/browse/{item:int}", browse),
        Route("/offers/{item:int}", offer),
        Route("/search", search),
        Route("/checkout", buy, methods=["POST"]),
        Route("/receipts", receipt, methods=["POST"]),
    )
    return App(listed, slots=SLOTS)
