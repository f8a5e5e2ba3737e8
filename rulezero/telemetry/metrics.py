"""The metric contract: every metric that a process of the suite exports.

Names follow OpenTelemetry's semantic conventions as Prometheus translates them, with small families of our own
(`defence_*`, `cache_*`, `dependency_*`). Never a run id, key, user or URL in a label. Attempts are counted when they
start, because those that hang never end; outcomes when they end.
"""

from prometheus_client import Counter, Gauge, Histogram, Summary, disable_created_metrics

from rulezero.telemetry.counts import LoopCounter

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped.

# 0.25 and 1.0 are the thresholds of the shop's latency SLOs: they must be exact bounds.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 2.5, 5.0)
HERD = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
MESSAGE_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0)

SERVER_DURATION = Histogram(
    "http_server_request_duration_seconds",
    "Time to serve a request.",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=SECONDS,
)
# By method alone: when a request comes in, nobody knows its route yet, nor how it will end.
SERVER_STARTED = Counter("http_server_requests_started", "Requests that came in.", ["http_request_method"])
SERVER_ACTIVE = Gauge("http_server_active_requests", "Requests being served or waiting to be.")
CLIENT_DURATION = Histogram(
    "http_client_request_duration_seconds",
    "Time of one attempt to a dependency.",
    ["dependency", "outcome"],
    buckets=SECONDS,
)
ATTEMPTS = Counter("dependency_attempts", "Attempts started, by link.", ["dependency", "link", "attempt"])
OUTCOMES = Counter("dependency_outcomes", "Attempts ended, by link and outcome.", ["dependency", "link", "outcome"])
DATABASE_DURATION = Histogram(
    "db_client_operation_duration_seconds",
    "Time of a statement, waiting for a connection apart.",
    ["db_operation_name", "db_role"],
    buckets=SECONDS,
)
CONNECTIONS = Gauge("db_client_connection_count", "Pooled connections.", ["pool", "db_client_connection_state"])
CONNECTIONS_PENDING = Gauge("db_client_connection_pending_requests", "Callers waiting for a connection.", ["pool"])
DEFENCE_ENABLED = Gauge("defence_enabled", "1 when the defence is on.", ["defence"])
DEFENCE_DECISIONS = LoopCounter("defence_decisions", "Decisions.", ["family", "defence", "decision", "dependency"])
CONFIG_GENERATION = Gauge("defence_config_generation", "Grows with every change of the defences in force.")
CONFIG_RELOADS = Counter("config_reloads", "Reads of a changed defences file.", ["result"])
BREAKER_STATE = Gauge("circuit_breaker_state", "0 closed, 1 half-open, 2 open.", ["dependency"])
CONCURRENCY_LIMIT = Gauge("concurrency_limit", "Permits there are.", ["resource"])
CONCURRENCY_IN_USE = Gauge("concurrency_in_use", "Permits taken.", ["resource"])
CONCURRENCY_WAITING = Gauge("concurrency_waiting", "Callers waiting for a permit.", ["resource"])
CONCURRENCY_WAIT = Histogram("concurrency_wait_seconds", "Time waited for a permit.", ["resource"], buckets=SECONDS)
CONCURRENCY_HOLD = Summary("concurrency_hold_seconds", "Time a permit was held: capacity = limit / mean.", ["resource"])
CONCURRENCY_WASTED = Counter(
    "concurrency_wasted_seconds", "Time a permit was held for a request that nobody got an answer of.", ["resource"]
)
WORK_ABANDONED = Counter("work_abandoned", "Work finished or stopped after its caller had left.", ["reason"])
EVENT_LOOP_LAG = Gauge("event_loop_lag_seconds", "Worst lateness of the event loop in the last second.")
CACHE_REQUESTS = Counter("cache_requests", "Lookups, by what was found.", ["cache", "result"])
CACHE_WRITES = Counter(
    "cache_writes", "Loaded entries to put; redundant: another was put meanwhile.", ["cache", "result"]
)
CACHE_BLOCKED_READS = Counter("cache_blocked_reads", "Reads that waited for a load.", ["cache"])
CACHE_LOADS = Counter("cache_loads", "Loads of an entry from the database that were started.", ["cache"])
CACHE_LOAD_DURATION = Histogram("cache_load_duration_seconds", "Time of a load.", ["cache"], buckets=SECONDS)
CACHE_HERD = Histogram("cache_herd_size", "Loads of one key in flight when a load starts.", ["cache"], buckets=HERD)
OPERATIONS_ACCEPTED = Counter("operations_accepted", "Operations acknowledged to the caller.", ["operation"])
SIDE_EFFECTS = Counter("side_effects_applied", "Effects written.", ["operation"])
QUEUE_DEPTH = Gauge("queue_depth", "Messages that are not done with, those being worked on too.", ["queue"])
QUEUE_OLDEST_AGE = Gauge("queue_oldest_message_age_seconds", "Age of the oldest of them.", ["queue"])
MESSAGES_PUBLISHED = Counter("messages_published", "Messages offered, by what became of that.", ["queue", "result"])
MESSAGES_DELIVERED = Counter("messages_delivered", "Messages received by a consumer.", ["queue", "redelivered"])
MESSAGES_PROCESSED = Counter("messages_processed", "Messages worked on, by how that ended.", ["queue", "result"])
MESSAGE_AGE = Histogram(
    "message_age_seconds", "From when a message was published to when it was applied.", ["queue"],
    buckets=MESSAGE_SECONDS,
)  # fmt: skip
