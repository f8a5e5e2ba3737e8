"""Overload: what a service does that is asked for more than it can."""

from dashboards.model import Board, Query, Variable
from dashboards.panels import above, limit, lines, predicted, scatter, stack
from dashboards.queries import services, users

BOARD = Board(
    name="overload",
    title="Overload",
    question="What does a service do when it is asked for more than it can?",
    look="Compare what is asked with the capacity (slots / the time one is held, dashed). Beyond it the line "
    "grows, and everything in a long line is too late; a bound at the door refuses some so that the rest is in time.",
    variables=(
        Variable(
            name="service", label="Service", shown="edge", metric="http_server_active_requests", of_label="job"
        ),
    ),
    panels=(
        lines(
            "$service: asked, served, capacity",
            "Requests that came in, those that held a slot to its end, and what the slots can serve at this holding "
            "time.",
            "reqps",
            Query(expr=services.ASKED, legend="asked", role="offered"),
            Query(expr=services.SERVED, legend="served", role="good"),
            predicted(services.CAPACITY, "capacity"),
        ),
        lines(
            "$service: permits in use, and their limit",
            "Slots at the door and bulkheads.",
            "none",
            Query(expr=services.IN_USE, legend="{{resource}}"),
            limit(services.LIMIT, "limit of {{resource}}"),
        ),
        lines(
            "$service: waiting in line",
            "Requests that have no permit yet.",
            "none",
            Query(expr=services.LINE, legend="{{resource}}"),
        ),
        lines(
            "$service: wait for a permit, p99",
            "Beside the wait of one who joins the line now, by Little's law: line / throughput. 5 s means 5 s or more.",
            "s",
            Query(expr=services.WAIT_P99, legend="{{resource}}"),
            predicted(services.WAIT_PREDICTED, "predicted now"),
        ),
        scatter(
            "Good against offered",
            "Each point is an instant. A line that bends at the capacity and stays flat is a good system; "
            "one that falls is a system that dies of being busy.",
            "reqps",
            Query(expr=users.OFFERED, legend="offered"),
            Query(expr=users.GOOD, legend="good"),
        ),
        stack(
            "Requests by outcome",
            "Whether users are refused at once or left to wait in vain.",
            "reqps",
            Query(expr=users.BY_OUTCOME, legend="{{outcome}}"),
        ),
        lines(
            "Latency of users",
            "From the intended send to the end, failed ones too. 5 s means 5 s or more.",
            "s",
            Query(expr=users.user_latency(0.5), legend="p50"),
            Query(expr=users.user_latency(0.99), legend="p99", exemplar=True),
        ),
        lines(
            "Slot time that was wasted",
            "Share of the slots' time spent on requests that nobody got an answer of.",
            "percentunit",
            Query(expr=services.DEAD_WORK, legend="{{job}}"),
            highest=1.0,
        ),
        lines(
            "Refusals",
            "By the service that refused, and the defence that made it.",
            "cps",
            Query(expr=services.REFUSALS, legend="{{job}}: {{defence}}"),
            quiet="no defence refused anything",
        ),
        stack(
            "Decisions at the door",
            "What the bound on the line decides, per second.",
            "cps",
            Query(expr=services.decisions("admission"), legend="{{defence}}: {{decision}}"),
            quiet="no defence of the door was on",
        ),
        lines(
            "CPU",
            "Cores in use. The suite's own services wait more than they compute: near 1, it is the machine that is "
            "overloaded, not the system on it.",
            "none",
            Query(expr=services.CPU, legend="{{job}}"),
            steps=above(1.0),
        ),
        lines(
            "Lateness of the event loop",
            "Worst lateness within a second. High: the process is short of CPU, and its numbers are its own fault.",
            "s",
            Query(expr=services.LOOP_LAG, legend="{{job}}"),
        ),
    ),
)  # fmt: skip
