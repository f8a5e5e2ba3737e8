"""Overview: whether we keep our promises."""

from dashboards.model import BAD, DEGRADED, GOOD, Board, Query
from dashboards.panels import TO_SERVICE, graph, heat, limit, lines, stack, stat
from dashboards.queries import services, slo, users
from dashboards.slo import read_promises

BOARD = Board(
    name="overview",
    title="Overview",
    question="Are we keeping our promises?",
    look="Left to right: what users got, then how fast, then which service is to blame. "
    "A fault (red band) that costs nothing here was defended against; click a service's line to see it by itself.",
    panels=(
        stat(
            "Availability",
            "Share of requests in this range that were answered correctly, late ones too.",
            "percentunit",
            Query(expr=users.AVAILABILITY, legend="ok"),
            steps=((None, BAD), (0.95, DEGRADED), (0.99, GOOD)), width=4, height=8,
        ),
        stat(
            "Error budget left",
            "Of the requests in this range each promise allows some to be bad; this is the share of those that is "
            "left. Below 0 the promise is broken for a run of this length.",
            "percentunit",
            *(Query(expr=slo.budget_left(one), legend=one.name) for one in read_promises().slos),
            steps=((None, BAD), (0.0, DEGRADED), (0.25, GOOD)), width=5, height=8,
        ),
        stack(
            "Requests by outcome",
            "What became of the requests as they ended, as users see it. not_sent: the generator held them back.",
            "reqps",
            Query(expr=users.BY_OUTCOME, legend="{{outcome}}"),
            limit(users.TARGET_RATE, "target"),
            width=15,
        ),
        lines(
            "Latency of users",
            "From the instant a request was meant to be sent to its end, failed ones too. 5 s means 5 s or more. "
            "Points are sampled requests: in containers, click one for its trace.",
            "s",
            Query(expr=users.user_latency(0.5), legend="p50"),
            Query(expr=users.user_latency(0.99), legend="p99", exemplar=True),
            width=12,
        ),
        heat(
            "Spread of latency",
            "Every request, by how long it took: a second band far above the first is a fault that some users meet.",
            "s",
            Query(expr=users.LATENCY_SPREAD, legend="{{le}}"),
            width=12,
        ),
        lines(
            "Requests of each service",
            "Answers a second, refusals too. What hangs is missing here until it ends.",
            "reqps",
            Query(expr=services.SERVICE_RATE, legend="{{job}}"),
            links=(TO_SERVICE,),
        ),
        lines(
            "Failures of each service",
            "Share of its answers that were 5xx. The cause is the failing service furthest from the users, or what "
            "that one calls: a service that hangs gives no answer, so none of its answers fails.",
            "percentunit",
            Query(expr=services.SERVICE_FAILURES, legend="{{job}}"),
            highest=1.0, links=(TO_SERVICE,),
        ),
        lines(
            "p99 of each service",
            "Time to serve, the calls to others within it included. 5 s means 5 s or more.",
            "s",
            Query(expr=services.SERVICE_P99, legend="{{job}}", exemplar=True),
            links=(TO_SERVICE,),
        ),
        graph(
            "Who calls whom",
            "Calls a second over this range, all of them counted: no sampling.",
            "reqps",
            Query(expr=services.CALLS, legend="{{id}}"),
            width=24, height=9,
        ),
    ),
)  # fmt: skip
