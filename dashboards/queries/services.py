"""Services as they see themselves and each other, and one of them by itself."""

SERVICE_RATE = "sum by (job) (rate(http_server_request_duration_seconds_count[$__rate_interval]))"
# A status that never occurred has no series: then the share is 0, not unknown.
SERVICE_FAILURES = (
    '(sum by (job) (rate(http_server_request_duration_seconds_count{http_response_status_code=~"5.."}'
    "[$__rate_interval])) or 0 * sum by (job) (rate(http_server_request_duration_seconds_count[$__rate_interval])))"
    " / sum by (job) (rate(http_server_request_duration_seconds_count[$__rate_interval]))"
)
SERVICE_P99 = (
    "histogram_quantile(0.99, sum by (job, le) (rate(http_server_request_duration_seconds_bucket[$__rate_interval])))"
)
# The graph wants the fields id, source and target; users stand for the load generator.
CALLS = (
    "label_replace(label_replace(label_join(sum by (job, dependency)"
    ' (rate(http_client_request_duration_seconds_count[$__range])), "id", "->", "job", "dependency"),'
    ' "source", "$1", "job", "(.*)"), "target", "$1", "dependency", "(.*)")'
    " or label_replace(label_replace(label_replace(sum(rate(loadgen_arrivals_total[$__range])),"
    ' "id", "users->edge", "", ""), "source", "users", "", ""), "target", "edge", "", "")'
)
ATTEMPTS_PER_FIRST = (
    "sum by (job, dependency) (rate(dependency_attempts_total[$__rate_interval]))"
    ' / sum by (job, dependency) (rate(dependency_attempts_total{attempt="first"}[$__rate_interval]))'
)
BREAKERS = "max by (job, dependency) (circuit_breaker_state)"
ATTEMPT_FAILURES = (
    'sum by (job, dependency) (rate(dependency_outcomes_total{outcome!="ok"}[$__rate_interval]))'
    " / sum by (job, dependency) (rate(dependency_outcomes_total[$__rate_interval]))"
)
ATTEMPT_P99 = (
    "histogram_quantile(0.99, sum by (job, dependency, le)"
    " (rate(http_client_request_duration_seconds_bucket[$__rate_interval])))"
)
# Begun less ended: what hangs is seen while it does. Both counters begin anew with their process.
ATTEMPTS_OUT = (
    "sum by (job, dependency) (dependency_attempts_total) - sum by (job, dependency) (dependency_outcomes_total)"
)
PERMITS_USED = "sum by (job, resource) (concurrency_in_use) / sum by (job, resource) (concurrency_limit)"
WAITING = "sum by (job, resource) (concurrency_waiting)"
DEAD_WORK = (
    "sum by (job) (rate(concurrency_wasted_seconds_total[$__rate_interval]))"
    " / sum by (job) (rate(concurrency_hold_seconds_sum[$__rate_interval]))"
)
ABANDONED = "sum by (job, reason) (rate(work_abandoned_total[$__rate_interval]))"
IN_FLIGHT = "sum by (job) (http_server_active_requests)"
LOOP_LAG = "max by (job) (event_loop_lag_seconds)"
REFUSALS = 'sum by (job, defence) (rate(defence_decisions_total{decision=~"rejected|refused"}[$__rate_interval]))'


def decisions(family: str) -> str:
    """Return what the defences of one family decide, per second."""
    return f'sum by (defence, decision) (rate(defence_decisions_total{{family="{family}"}}[$__rate_interval]))'


# --- One service

LIMIT = 'sum by (resource) (concurrency_limit{job="$service"})'
IN_USE = 'sum by (resource) (concurrency_in_use{job="$service"})'
LINE = 'sum by (resource) (concurrency_waiting{job="$service"})'
SERVED = 'sum(rate(concurrency_hold_seconds_count{job="$service",resource="slots"}[$__rate_interval]))'
# Counted when a request comes in: of those that ended there are never more than the service can do.
ASKED = 'sum(rate(http_server_requests_started_total{job="$service"}[$__rate_interval]))'


def mean_hold(job: str, window: str) -> str:
    """Return how long a service holds a slot for a request, on average."""
    of = f'job="{job}",resource="slots"'
    return (
        f"sum(rate(concurrency_hold_seconds_sum{{{of}}}[{window}]))"
        f" / sum(rate(concurrency_hold_seconds_count{{{of}}}[{window}]))"
    )


CAPACITY = f'sum(concurrency_limit{{job="$service",resource="slots"}}) / ({mean_hold("$service", "$__rate_interval")})'
WAIT_P99 = (
    'histogram_quantile(0.99, sum by (resource, le) (rate(concurrency_wait_seconds_bucket{job="$service"}'
    "[$__rate_interval])))"
)
# Little's law: who joins the line now waits until all before are served.
# Where nothing is served it is for ever, which no axis can show; what is measured is told up to 5 s.
WAIT_PREDICTED = f'clamp_max(sum(concurrency_waiting{{job="$service",resource="slots"}}) / {SERVED}, 5)'
ROUTE_RATE = 'sum by (http_route) (rate(http_server_request_duration_seconds_count{job="$service"}[$__rate_interval]))'
ROUTE_FAILURES = (
    "sum by (http_route, http_response_status_code) (rate(http_server_request_duration_seconds_count"
    '{job="$service",http_response_status_code!~"2.."}[$__rate_interval]))'
)
ROUTE_LATENCY = (
    "histogram_quantile($quantile, sum by (http_route, le)"
    ' (rate(http_server_request_duration_seconds_bucket{job="$service"}[$__rate_interval])))'
)
ATTEMPTS_OF = 'sum by (dependency, attempt) (rate(dependency_attempts_total{job="$service"}[$__rate_interval])) > 0'
ATTEMPT_OUTCOMES_OF = (
    'sum by (dependency, outcome) (rate(dependency_outcomes_total{job="$service",outcome!="ok"}[$__rate_interval])) > 0'
)
DECISIONS_OF = 'sum by (defence, decision) (rate(defence_decisions_total{job="$service"}[$__rate_interval]))'
CPU_OF = 'rate(process_cpu_seconds_total{job="$service"}[$__rate_interval])'
MEMORY_OF = 'process_resident_memory_bytes{job="$service"}'
IN_FLIGHT_OF = 'http_server_active_requests{job="$service"}'
TRACES_FAILED = '{ resource.service.name = "$service" && status = error }'
TRACES_SLOW = '{ resource.service.name = "$service" && duration > 250ms }'
TRACES_FOLLOWERS = '{ span.defence.coalescing.decision = "follower" }'
CPU = "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))"
