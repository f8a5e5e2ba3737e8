"""Payment: its capacity is slots / service time, and each charge is a row on the primary."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from rulezero.telemetry import metrics
from services.handlers import answer, json_body, routes

SLOTS = 8
SERVICE_S = 0.05
PRIMARY_POOL = 8
WRITE_S = 0.002

_CHARGE = "SELECT write_charge($1, $2, $3) AS id"


def create_app(runtime: Runtime) -> App:
    """Return the app and its capacity."""
    primary = runtime.database("primary", pool_size=PRIMARY_POOL)
    applied = metrics.SIDE_EFFECTS.labels(operation="charge")

    async def charge(request: Request) -> Response:
        body = await json_body(request, order=int, cents=int)
        if isinstance(body, Response):
            return body
        arguments = (body["order"], body["cents"], WRITE_S)
        written = await primary.fetch("write_charge", _CHARGE, *arguments, idempotent=False)
        applied.inc()
        return answer({"charge": written[0]["id"]}, 201)

    return App(routes(Route("/charges", charge, methods=["POST"])), slots=SLOTS, service_s=SERVICE_S)
