"""Compare: what the defence changed."""

from dashboards.model import Board, Query, Variable
from dashboards.panels import bars, lines, table, timeline
from dashboards.queries import stores, users

BOARD = Board(
    name="compare",
    title="Compare",
    question="What did the defence change?",
    look="Each arm is the same load and the same fault with other defences on; the first row says which ran when. "
    "Bars compare one phase, chosen above; the table has them all. "
    "The range must hold one run, as the report's link does.",
    variables=(
        Variable(
            name="phase", label="Phase", shown="fault",
            options=("fault", "hold", "baseline", "warmup", "by_hand"), all_values=True,
        ),
    ),
    panels=(
        timeline(
            "Arms",
            "Which arm ran when. Between arms the system is made anew.",
            {0: ("made ready", "#D8D8D8"), 1: ("runs", "#3274D9")},
            Query(expr=users.ARMS, legend="{{arm}}"),
            width=24, height=5,
        ),
        bars(
            "Good a second, phase $phase",
            "Correct answers in time, per second of the phase: the goodput of the record.",
            "reqps",
            Query(expr=users.per_phase_second("loadgen_good_total", "arm", users.CHOSEN_PHASE), legend="{{arm}}"),
            height=6,
        ),
        bars(
            "Share that was good, phase $phase",
            "Of all that users wanted, what was never sent included.",
            "percentunit",
            Query(expr=users.success_by("arm", users.CHOSEN_PHASE), legend="{{arm}}"),
            height=6, highest=1.0,
        ),
        bars(
            "p99 of what was ok, phase $phase",
            "Of correct answers alone, because refusing quickly makes no latency better. Up to a bucket's width off; "
            "5 s means 5 s or more.",
            "s",
            Query(expr=users.ok_latency_by(0.99, "arm", users.CHOSEN_PHASE_OK), legend="{{arm}}"),
            height=6,
        ),
        lines(
            "Good a second, by arm",
            "The same load for every arm: the distance to the dashed line is what the fault cost.",
            "reqps",
            Query(expr=users.GOOD_BY_ARM, legend="{{arm}}"),
            Query(expr=users.OFFERED, legend="offered", role="limit"),
            width=12,
        ),
        lines(
            "p99 of what was ok, by arm",
            "Of correct answers alone. 5 s means 5 s or more.",
            "s",
            Query(expr=users.LATENCY_BY_ARM, legend="{{arm}}", exemplar=True),
            width=12,
        ),
        lines(
            "Failures by arm and outcome",
            "A defence turns timeouts into refusals: cheaper for users, and for the system.",
            "reqps",
            Query(expr=users.FAILED_BY_ARM, legend="{{arm}}: {{outcome}}"),
            quiet="no request failed",
        ),
        lines(
            "Attempts per user's request",
            "Calls to services, databases, caches and queues for each request of a user; a rise in a fault is "
            "amplification.",
            "none",
            Query(expr=users.ATTEMPTS_PER_REQUEST, legend="attempts"),
        ),
        lines(
            "Statements per user's request",
            "What reaches the databases for each request of a user.",
            "none",
            Query(expr=stores.STATEMENTS_PER_REQUEST, legend="statements"),
        ),
        table(
            "Every arm and phase",
            "Per second of each phase in this range. Latencies are of correct answers; 5 s means 5 s or more.",
            "none",
            Query(expr=users.per_phase_second("loadgen_arrivals_total", "arm, phase"), legend="offered/s"),
            Query(expr=users.per_phase_second("loadgen_good_total", "arm, phase"), legend="good/s"),
            Query(expr=users.success_by("arm, phase"), legend="share good"),
            Query(expr=users.ok_latency_by(0.5, "arm, phase"), legend="p50, s"),
            Query(expr=users.ok_latency_by(0.99, "arm, phase"), legend="p99, s"),
            row_labels=("arm", "phase"), width=24, height=12,
        ),
    ),
)  # fmt: skip
