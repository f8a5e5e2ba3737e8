"""The mailer: its capacity is slots / service time, and each mail it sends is a row on the primary.

It does not look whether a mail was sent before: a message that is delivered twice is two mails; the ledger counts them.
"""

from typing import Any

import orjson

from rulezero.dependencies.queue_consumer import Message
from rulezero.service.process import App
from rulezero.service.runtime import Runtime
from rulezero.telemetry import metrics
from services.handlers import routes

SLOTS = 8
SERVICE_S = 0.05
PRIMARY_POOL = 8
WRITE_S = 0.001
QUEUE = "mails"

_MAIL = "SELECT write_mail($1, $2) AS id"


def create_app(runtime: Runtime) -> App:
    """Return the app, which has no route, and its worker."""
    primary = runtime.database("primary", pool_size=PRIMARY_POOL)
    applied = metrics.SIDE_EFFECTS.labels(operation="mail")

    async def send(message: Message) -> None:
        await primary.fetch("write_mail", _MAIL, operation_of(message), WRITE_S, idempotent=False)
        applied.inc()

    worker = runtime.worker(QUEUE, send, slots=SLOTS, service_s=SERVICE_S)
    return App(routes(), slots=SLOTS, background=worker.run)


def operation_of(message: Message) -> str:
    """Return the operation that a mail confirms; whatever else somebody may have published is sent as it is."""
    try:
        body: Any = orjson.loads(message.data)
    except orjson.JSONDecodeError:
        body = None
    told = body.get("operation_id") if isinstance(body, dict) else None
    return str(told if told is not None else message.data.decode(errors="replace"))[:100].replace("\0", "")
