"""SLO: how fast the error budget burns, and who would be called."""

from dashboards.model import BAD, DEGRADED, GOOD, Board, Query, Variable
from dashboards.panels import BURN_STEPS, limit, lines, stack, stat, table, timeline
from dashboards.queries import slo, users
from dashboards.slo import read_promises

_PROMISES = read_promises()
_RESOLUTION_STEPS = ((None, GOOD), (1.0, DEGRADED), (6.0, BAD))

BOARD = Board(
    name="slo",
    title="SLO",
    question="How fast is the error budget burning, and who would be called?",
    look=f"Windows are {_PROMISES.time_scale} times shorter than in production: a minute here stands for an hour. "
    "A page needs both its windows above its line, and a run at least as long as the longer one.",
    variables=(
        Variable(
            name="slo", label="Promise", shown=_PROMISES.slos[0].name,
            options=tuple(one.name for one in _PROMISES.slos),
        ),
    ),
    panels=(
        lines(
            "Burn rate of $slo, by window",
            "Lines at 1 (sustainable), 6 and 14.4 (pages). The shortest window reacts first and "
            "forgets first. Of the running arm alone: a window that is longer than it holds all of it, and no more.",
            "none",
            Query(expr=slo.BURN_RATES, legend="{{window}}"),
            limit(users.ONE, "sustainable"),
            steps=BURN_STEPS, log_base=2, width=16, height=9,
        ),
        timeline(
            "Pages",
            "The alert ErrorBudgetBurn, by promise and factor. In an arm shorter than a minute no page is possible.",
            {1: ("page", BAD)},
            Query(expr=slo.PAGES, legend="{{slo}} x{{factor}}"),
            width=8, height=9, quiet="no budget burnt so fast, or the run was too short",
        ),
        table(
            "Promises",
            "Each promise, what was broken of it in the last minute, and how fast that burns its budget.",
            "none",
            Query(expr=slo.OBJECTIVES, legend="objective"),
            Query(expr=slo.BAD_SHARES, legend="bad in the last minute"),
            Query(expr=users.BURN_RATE_NOW, legend="burn rate"),
            Query(expr=slo.SLO_REQUESTS, legend="requests/s"),
            row_labels=("slo",), width=12, height=6,
        ),
        stat(
            "Resolution",
            "What a single bad request moves the burn rate of the shortest window by. Above 1, a burn rate says more "
            "about that one request than about the system: send more.",
            "none",
            Query(expr=slo.RESOLUTION, legend="per bad request"),
            steps=_RESOLUTION_STEPS, width=6, height=6,
        ),
        stat(
            "A month's budget lasts",
            "Production-equivalent days until the budget of 30 days is gone, at the burn rate of the last minute.",
            "d",
            Query(expr=slo.DAYS_TO_EXHAUSTION, legend="days"),
            steps=((None, BAD), (2.1, "#FF780A"), (5.0, DEGRADED), (30.0, GOOD)), width=6, height=6,
        ),
        stack(
            "Bad requests by outcome",
            "What the budget is spent on: refusals cost users less than timeouts, and the budget the same.",
            "reqps",
            Query(expr=users.FAILED_BY_OUTCOME, legend="{{outcome}}"),
        ),
        lines(
            "Bad requests by route",
            "Which journey the failures belong to; promises are made by route.",
            "reqps",
            Query(expr=users.FAILED_BY_ROUTE, legend="{{name}}"),
        ),
        lines(
            "As users see it, and as the edge does",
            "Share of failures. The edge does not see who gave up before it answered: the gap is what a dashboard "
            "of server metrics hides.",
            "percentunit",
            Query(expr=users.FAILED_SHARE, legend="users", role="bad"),
            Query(expr=slo.EDGE_FAILURES, legend="edge, 5xx", role="offered"),
            highest=1.0,
        ),
    ),
)  # fmt: skip
