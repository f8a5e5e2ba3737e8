"""Service: what is wrong with this one."""

from dashboards.model import Board, Query, Variable
from dashboards.panels import above, limit, lines, stack, traces
from dashboards.queries import services

BOARD = Board(
    name="service",
    title="Service",
    question="What is wrong with this one?",
    look="Rate, failures and latency of its routes (symptoms) above; its slots, calls, CPU and memory (causes) below. "
    "Points on the latency are sampled requests: in containers, click one for its trace.",
    variables=(
        Variable(
            name="service", label="Service", shown="edge", metric="http_server_active_requests", of_label="job"
        ),
        Variable(name="quantile", label="Quantile", shown="0.99", options=("0.99", "0.95", "0.5")),
    ),
    panels=(
        lines(
            "Requests by route",
            "Served a second.",
            "reqps",
            Query(expr=services.ROUTE_RATE, legend="{{http_route}}"),
        ),
        lines(
            "Not 2xx",
            "By route and status.",
            "reqps",
            Query(expr=services.ROUTE_FAILURES, legend="{{http_route}} {{http_response_status_code}}"),
            quiet="every answer was 2xx",
        ),
        lines(
            "Latency by route, quantile $quantile",
            "Time to serve, calls to others included; the line in front of the slots too. 5 s means 5 s or more.",
            "s",
            Query(expr=services.ROUTE_LATENCY, legend="{{http_route}}", exemplar=True),
        ),
        lines(
            "Permits in use, and their limit",
            "Slots at the door and bulkheads.",
            "none",
            Query(expr=services.IN_USE, legend="{{resource}}"),
            limit(services.LIMIT, "limit of {{resource}}"),
        ),
        lines(
            "Waiting in line; in flight",
            "Requests without a permit, and all that are not answered yet.",
            "none",
            Query(expr=services.LINE, legend="waiting for {{resource}}"),
            Query(expr=services.IN_FLIGHT_OF, legend="in flight, {{instance}}"),
        ),
        stack(
            "Decisions of its defences",
            "Per second.",
            "cps",
            Query(expr=services.DECISIONS_OF, legend="{{defence}}: {{decision}}"),
            quiet="none of its defences was on",
        ),
        lines(
            "Attempts at what it depends on",
            "First attempts, retries and hedges a second.",
            "cps",
            Query(expr=services.ATTEMPTS_OF, legend="{{dependency}}: {{attempt}}"),
        ),
        lines(
            "Attempts that failed",
            "By dependency and outcome.",
            "cps",
            Query(expr=services.ATTEMPT_OUTCOMES_OF, legend="{{dependency}}: {{outcome}}"),
            quiet="no attempt failed",
        ),
        lines(
            "CPU",
            "Cores in use by each process.",
            "none",
            Query(expr=services.CPU_OF, legend="{{instance}}"),
            steps=above(1.0), width=4,
        ),
        lines(
            "Memory",
            "Resident, of each process.",
            "bytes",
            Query(expr=services.MEMORY_OF, legend="{{instance}}"),
            width=4,
        ),
        traces(
            "Failed traces",
            "Sampled requests in which this service failed.",
            services.TRACES_FAILED,
            width=12, height=6,
        ),
        traces(
            "Slow traces",
            "Sampled requests in which it took longer than the latency promise.",
            services.TRACES_SLOW,
            width=12, height=6,
        ),
    ),
)  # fmt: skip
