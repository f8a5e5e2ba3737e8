"""Cascading failure: whether one sick dependency takes the others with it."""

from dashboards.model import BAD, DEGRADED, GOOD, Board, Query
from dashboards.panels import TO_SERVICE, above, limit, lines, stack, timeline
from dashboards.queries import services, users

_BREAKER = {0: ("closed", GOOD), 1: ("half-open", DEGRADED), 2: ("open", BAD)}

BOARD = Board(
    name="cascade",
    title="Cascading failure",
    question="Does one sick dependency take the others with it?",
    look="Follow the slots: calls that hang hold a permit of every service on their way, and when one has no permit "
    "left its healthy routes fail too. Retries make it worse, breakers and bulkheads cut it short.",
    panels=(
        lines(
            "Permits in use",
            "Share of each service's slots, and of its bulkheads' permits, that is taken. At 1 newcomers wait.",
            "percentunit",
            Query(expr=services.PERMITS_USED, legend="{{job}} {{resource}}"),
            steps=above(1.0), links=(TO_SERVICE,),
        ),
        lines(
            "Waiting for a permit",
            "Requests in line. A line that outlives its fault is a backlog nobody waits for any more.",
            "none",
            Query(expr=services.WAITING, legend="{{job}} {{resource}}"),
            links=(TO_SERVICE,),
        ),
        lines(
            "In flight",
            "Requests that each service has taken and not answered.",
            "none",
            Query(expr=services.IN_FLIGHT, legend="{{job}}"),
            links=(TO_SERVICE,),
        ),
        lines(
            "Attempts that are out, by dependency",
            "Begun and not ended: a dependency that hangs shows here at once, while no attempt at it has failed yet.",
            "none",
            Query(expr=services.ATTEMPTS_OUT, legend="{{job}} to {{dependency}}"),
            links=(TO_SERVICE,),
        ),
        lines(
            "Attempts per first attempt",
            "Retries and hedges at each dependency; the dashed line is a system that never repeats itself.",
            "none",
            Query(expr=services.ATTEMPTS_PER_FIRST, legend="{{job}} to {{dependency}}"),
            limit(users.ONE, "no retries"),
        ),
        lines(
            "Attempts per user's request",
            "Calls to services, databases, caches and queues for each request of a user.",
            "none",
            Query(expr=users.ATTEMPTS_PER_REQUEST, legend="attempts"),
        ),
        timeline(
            "Circuit breakers",
            "Of each service's calls to a dependency.",
            _BREAKER,
            Query(expr=services.BREAKERS, legend="{{job}} to {{dependency}}"),
            quiet="no circuit breaker was on",
        ),
        lines(
            "Attempts that fail",
            "Share of the attempts at each dependency that did not end well, refused ones included.",
            "percentunit",
            Query(expr=services.ATTEMPT_FAILURES, legend="{{job}} to {{dependency}}"),
            highest=1.0,
        ),
        lines(
            "p99 of an attempt",
            "Time of one attempt at each dependency, as its caller sees it, once it has ended. 5 s means 5 s or more.",
            "s",
            Query(expr=services.ATTEMPT_P99, legend="{{job}} to {{dependency}}", exemplar=True),
        ),
        lines(
            "Work that nobody waits for",
            "Share of the slots' time that was spent on requests whose caller had left.",
            "percentunit",
            Query(expr=services.DEAD_WORK, legend="{{job}}"),
            highest=1.0, links=(TO_SERVICE,),
        ),
        stack(
            "Decisions on calls",
            "What timeouts, retries, breakers and bulkheads decide, per second.",
            "cps",
            Query(expr=services.decisions("call"), legend="{{defence}}: {{decision}}"),
            quiet="no defence of calls was on",
        ),
        lines(
            "Work abandoned",
            "Requests given up on the way, by the reason.",
            "cps",
            Query(expr=services.ABANDONED, legend="{{job}}: {{reason}}"),
            quiet="no caller left before the answer",
        ),
    ),
)  # fmt: skip
