"""Thundering herd: what happens to the database when the cache cannot answer."""

from dashboards.model import Board, Query, Variable
from dashboards.panels import TO_SERVICE, above, lines, predicted, stack, traces
from dashboards.queries import services, stores

BOARD = Board(
    name="herd",
    title="Thundering herd",
    question="What happens to the database when the cache cannot answer?",
    look="When an entry expires, everyone who asks for it loads it: loads rise, connections run out, and requests that "
    "have nothing to do with it wait too. The dashed line is what misses would load without a defence.",
    variables=(
        Variable(
            name="cache", label="Cache", shown=".*", metric="cache_requests_total", of_label="cache", all_values=True
        ),
    ),
    panels=(
        lines(
            "Hit ratio",
            "Share of lookups that found a fresh entry.",
            "percentunit",
            Query(expr=stores.HIT_RATIO, legend="{{cache}}"),
            highest=1.0,
        ),
        stack(
            "Lookups by result",
            "stale: found, but past its time; error: the cache did not answer, which costs a load.",
            "cps",
            Query(expr=stores.LOOKUPS, legend="{{result}}"),
        ),
        lines(
            "Largest herd",
            "How many loads of one and the same entry were under way at once (upper bound of the bucket).",
            "none",
            Query(expr=stores.HERD, legend="{{cache}}"),
            quiet="nothing was loaded in the last seconds",
        ),
        lines(
            "Loads, and what misses would load",
            "Loads started, beside the lookups that found nothing fresh: the distance is what the defences saved.",
            "cps",
            Query(expr=stores.LOADS, legend="{{cache}} loads"),
            predicted(stores.LOADS_UNDEFENDED, "{{cache}} undefended"),
        ),
        lines(
            "p99 of a load",
            "From the miss to the value, waiting for a connection included. 5 s means 5 s or more.",
            "s",
            Query(expr=stores.LOAD_TIME, legend="{{cache}}", exemplar=True),
            quiet="nothing was loaded in the last seconds",
        ),
        lines(
            "Statements per user's request",
            "What reaches the databases for each request of a user; a cache is there to keep it below 1.",
            "none",
            Query(expr=stores.STATEMENTS_PER_REQUEST, legend="statements"),
        ),
        lines(
            "Statements a second",
            "By service and by server.",
            "cps",
            Query(expr=stores.STATEMENTS, legend="{{job}} {{db_role}}"),
            links=(TO_SERVICE,),
        ),
        lines(
            "p99 of a statement",
            "Waiting for a connection apart: what the server itself takes. 5 s means 5 s or more.",
            "s",
            Query(expr=stores.STATEMENT_P99, legend="{{job}} {{db_role}}"),
        ),
        lines(
            "Connections in use",
            "Share of each pool. At 1 the rest waits.",
            "percentunit",
            Query(expr=stores.CONNECTIONS_USED, legend="{{job}} {{pool}}"),
            steps=above(1.0),
        ),
        lines(
            "Waiting for a connection",
            "Callers in line for each pool: here the herd hits those who are no part of it.",
            "none",
            Query(expr=stores.CONNECTIONS_WAITED_FOR, legend="{{job}} {{pool}}"),
        ),
        stack(
            "Decisions on reads",
            "What coalescing, leases, early expiration and stale answers decide, per second.",
            "cps",
            Query(expr=services.decisions("cache"), legend="{{defence}}: {{decision}}"),
            width=16, quiet="no defence of reads was on",
        ),
        traces(
            "Traces of followers",
            "Sampled requests that waited for somebody else's load.",
            services.TRACES_FOLLOWERS,
            width=24, height=6,
        ),
    ),
)  # fmt: skip
