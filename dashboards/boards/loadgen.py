"""Load generator: whether these numbers can be trusted."""

from dashboards.model import BAD, GOOD, Board, Query
from dashboards.panels import above, limit, lines, timeline
from dashboards.queries import users

BOARD = Board(
    name="loadgen",
    title="Load generator",
    question="Can these numbers be trusted?",
    look="The generator must send what it promised, when it promised it, however slow the answers are. Late sends, "
    "dropped arrivals or gaps between scrapes mean: the measurement is at fault, look no further.",
    panels=(
        lines(
            "Achieved of the target",
            "Arrivals a second over the planned rate. Arrivals are random: some per cent up and down are right.",
            "percentunit",
            Query(expr=users.ACHIEVED, legend="achieved"),
            limit(users.ONE, "target"),
        ),
        lines(
            "Lateness of sends",
            "From the intended instant to the real one. Latency counts from the intended one, so lateness is not "
            "hidden, but beyond some milliseconds it is the generator that is measured.",
            "s",
            Query(expr=users.send_lag(0.5), legend="p50"),
            Query(expr=users.send_lag(0.99), legend="p99"),
        ),
        lines(
            "In flight",
            "Requests sent and not answered: a closed loop would have stopped sending.",
            "none",
            Query(expr=users.UNANSWERED, legend="in flight"),
        ),
        lines(
            "Arrivals by route",
            "What users want, a second.",
            "reqps",
            Query(expr=users.ARRIVALS, legend="{{name}}"),
            limit(users.TARGET_RATE, "target"),
        ),
        lines(
            "Ended by route",
            "Requests that ended, in whatever way.",
            "reqps",
            Query(expr=users.ANSWERED, legend="{{name}}"),
        ),
        lines(
            "Dropped arrivals",
            "Not sent, because too many were in flight: counted as bad, never queued.",
            "reqps",
            Query(expr=users.DROPPED, legend="{{name}}"),
        ),
        lines(
            "Seconds into the run",
            "Since the load of this arm began. Pages need a load as long as their window.",
            "s",
            Query(expr=users.RUN_SECONDS, legend="run"),
            width=4,
        ),
        lines(
            "CPU of the generator",
            "Cores in use; it is one process, so near 1 it sends late.",
            "none",
            Query(expr=users.GENERATOR_CPU, legend="cores"),
            steps=above(0.8), width=10,
        ),
        lines(
            "Time to scrape",
            "How long Prometheus waits for each job's metrics; a second would lose samples.",
            "s",
            Query(expr=users.SCRAPE_TIME, legend="{{job}}"),
            steps=above(1.0), width=10,
        ),
        timeline(
            "Scrapes that succeed",
            "A gap is a process that does not even answer Prometheus, or is not there.",
            {0: ("down", BAD), 1: ("up", GOOD)},
            Query(expr=users.UP, legend="{{job}} {{instance}}"),
            width=16, height=10,
        ),
        lines(
            "Samples a scrape",
            "Series of each job: a growing number is a label that should not be one.",
            "none",
            Query(expr=users.SAMPLES, legend="{{job}}"),
            height=10,
        ),
    ),
)  # fmt: skip
