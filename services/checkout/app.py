"""The write path: an order is written, then paid. The order stays "pending" when nobody knows whether it was paid."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.outcome import Failed
from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from rulezero.telemetry import metrics
from services.handlers import answer, json_body, routes

SLOTS = 256
PRIMARY_POOL = 10
WRITE_S = 0.005
PRICE_CENTS = 1999

_INSERT = "SELECT place_order($1, $2, $3) AS id"
_PAID = "UPDATE orders SET state = 'paid' WHERE id = $1"


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    primary = runtime.database("primary", pool_size=PRIMARY_POOL)
    payment = runtime.http("payment")
    accepted = metrics.OPERATIONS_ACCEPTED.labels(operation="order")

    async def order(request: Request) -> Response:
        body = await json_body(request, item=int, operation_id=str)
        if isinstance(body, Response):
            return body
        arguments = (body["operation_id"], body["item"], WRITE_S)
        placed = await primary.fetch("place_order", _INSERT, *arguments, idempotent=False)
        number = placed[0]["id"]
        charge = {"order": number, "cents": PRICE_CENTS}
        # Until payment has idempotency keys, to ask again may be to charge twice.
        paid = await payment.request("POST", "/charges", route="/charges", body=charge, idempotent=False)
        if paid.status != 201:
            raise Failed(f"payment answered {paid.status}")
        await primary.fetch("mark_paid", _PAID, number)
        accepted.inc()
        return answer({"order": number}, 201)

    return App(routes(Route("/orders", order, methods=["POST"])), slots=SLOTS)
