"""The write path: a piece is reserved, an order is written, then paid, then confirmed by mail.

The order stays "pending" when nobody knows whether it was paid. Order and mail are a naive dual write: when the queue
does not take the mail, the order stands and nobody is told, or the other way round after a crash between the two.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.outcome import CallError, Failed, Rejected
from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from rulezero.telemetry import metrics
from services.handlers import answer, answer_raw, json_body, routes

SLOTS = 256
PRIMARY_POOL = 10
WRITE_S = 0.005
PRICE_CENTS = 1999
QUEUE = "mails"
_CREATED = 201

_INSERT = "SELECT place_order($1, $2, $3) AS id"
_PAID = "UPDATE orders SET state = 'paid' WHERE id = $1"


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    primary = runtime.database("primary", pool_size=PRIMARY_POOL)
    inventory = runtime.http("inventory")
    payment = runtime.http("payment")
    mails = runtime.queue(QUEUE)
    accepted = metrics.OPERATIONS_ACCEPTED.labels(operation="order")

    async def placed_and_paid(body: dict[str, Any]) -> int:
        arguments = (body["operation_id"], body["item"], WRITE_S)
        rows = await primary.fetch("place_order", _INSERT, *arguments, idempotent=False)
        number: int = rows[0]["id"]
        charge = {"order": number, "cents": PRICE_CENTS}
        # Until payment has idempotency keys, to ask again may be to charge twice.
        paid = await payment.request("POST", "/charges", route="/charges", body=charge, idempotent=False)
        if paid.status != _CREATED:
            raise Failed(f"payment answered {paid.status}")
        await primary.fetch("mark_paid", _PAID, number)
        return number

    async def confirmed(number: int, operation_id: str) -> str:
        try:
            await mails.publish({"order": number, "operation_id": operation_id})
        except Rejected:
            return "refused"
        except CallError:
            return "failed"
        return "queued"

    async def order(request: Request) -> Response:
        body = await json_body(request, item=int, operation_id=str)
        if isinstance(body, Response):
            return body
        piece = {"item": body["item"]}
        reserved = await inventory.request("POST", "/reservations", route="/reservations", body=piece, idempotent=False)
        if reserved.status != _CREATED:
            return answer_raw(reserved.body, reserved.status)
        number = await placed_and_paid(body)
        accepted.inc()
        return answer({"order": number, "mail": await confirmed(number, body["operation_id"])}, _CREATED)

    async def receipt(request: Request) -> Response:
        body = await json_body(request, operation_id=str)
        if isinstance(body, Response):
            return body
        await mails.publish({"operation_id": body["operation_id"]})
        return answer({"mail": "queued"}, 202)

    listed = routes(Route("/orders", order, methods=["POST"]), Route("/receipts", receipt, methods=["POST"]))
    return App(listed, slots=SLOTS, background=mails.watch)
