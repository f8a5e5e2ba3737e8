"""Queue: whether the backlog grows, and how old is what is in it."""

from dashboards.model import BAD, DEGRADED, GOOD, Board, Query
from dashboards.panels import above, limit, lines, predicted, stack, stat
from dashboards.queries import queue, services

_DELIVERED = "Messages handed to the worker. A redelivered one was held by a worker that died or failed."

BOARD = Board(
    name="queue",
    title="Queue",
    question="Does the backlog grow, and how old is what is in it?",
    look="While more comes in (rho) than the worker can do (C), the queue grows by rho*t - C*t, and the age of its "
    "oldest message with it. An unbounded queue hides the overload until users ask where their mail is.",
    panels=(
        lines(
            "Depth, and rho*t - C*t",
            "Messages not yet applied, beside what arrivals and the worker's capacity predict since the backlog began.",
            "none",
            Query(expr=queue.DEPTH, legend="{{queue}}"),
            predicted(queue.DEPTH_PREDICTED, "predicted, {{arm}}"),
            width=12, height=9,
        ),
        lines(
            "Age of the oldest message",
            "Beside depth / arrivals of the last 10 s: what came in first has waited for as long as it took to send "
            "all the others.",
            "s",
            Query(expr=queue.OLDEST, legend="{{queue}}"),
            predicted(queue.OLDEST_PREDICTED, "depth / rho"),
            width=12, height=9,
        ),
        lines(
            "rho and C",
            "Messages accepted a second, and what the worker's slots can do at the time a message takes now.",
            "cps",
            Query(expr=queue.QUEUE_OFFERED, legend="rho", role="offered"),
            Query(expr=queue.QUEUE_CAPACITY_NOW, legend="C", role="limit"),
        ),
        lines(
            "Load, rho / C",
            "Above 1 the backlog grows for as long as it lasts.",
            "percentunit",
            Query(expr=queue.QUEUE_LOAD, legend="rho / C"),
            steps=above(1.0), quiet="the worker did nothing in the last seconds",
        ),
        lines(
            "Time to drain",
            "Depth / how fast it has fallen in the last 5 s, cut at a minute. No line where it does not fall.",
            "s",
            predicted(queue.DRAIN_TIME, "depth / its fall"),
            quiet="the queue did not get shorter",
        ),
        stack(
            "Published, by result",
            "refused: a bounded stream was full and said so at the door; failed: nobody knows whether it was stored.",
            "cps",
            Query(expr=queue.PUBLISHED, legend="{{result}}"),
        ),
        stack(
            "Delivered",
            _DELIVERED,
            "cps",
            Query(expr=queue.DELIVERED, legend="redelivered: {{redelivered}}"),
        ),
        stack(
            "Processed, by result",
            "applied: the work is done and the message acknowledged; failed: it comes again.",
            "cps",
            Query(expr=queue.PROCESSED, legend="{{result}}"),
        ),
        lines(
            "Age when applied",
            "From publishing a message to its work being done: what the user waits for. 40 s means 40 s or more.",
            "s",
            Query(expr=queue.message_age(0.5), legend="p50"),
            Query(expr=queue.message_age(0.99), legend="p99", exemplar=True),
        ),
        lines(
            "Slots of the worker",
            "All in use while messages wait: the worker is the bottleneck, and its own write decides how fast it is.",
            "none",
            Query(expr=queue.WORKER_SLOTS, legend="{{resource}} in use"),
            limit(queue.WORKER_LIMIT, "limit of {{resource}}"),
        ),
        stat(
            "Delivered again",
            "In this range: messages that a worker had and did not finish, because it died or held more than it could "
            "do in time.",
            "none",
            Query(expr=queue.DELIVERED_AGAIN, legend="messages"),
            steps=((None, GOOD), (1.0, DEGRADED), (100.0, BAD)), width=4, height=8,
        ),
        stack(
            "Decisions on messages",
            "What the bound on the stream decides, per second.",
            "cps",
            Query(expr=services.decisions("delivery"), legend="{{defence}}: {{decision}}"),
            width=4, quiet="no defence of the queue was on",
        ),
    ),
)  # fmt: skip
