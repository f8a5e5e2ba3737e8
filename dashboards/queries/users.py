"""What users see, from the load generator, and what every board shows: faults, defences, arms."""

# --- The ribbon of every board, and the marks on every panel

# The last of the load where the range ends just after it; a load that is over for longer is "no load".
BURN_RATE_NOW = 'max by (slo) (last_over_time(slo:burn_rate:ratio{window="1m"}[5s]))'
OFFERED = "sum(rate(loadgen_arrivals_total[$__rate_interval]))"
GOOD = "sum(rate(loadgen_good_total[$__rate_interval]))"
# Over the window of a rate: what lasts for a moment would fall between two points.
FAULTS = "max by (proxy, type) (max_over_time(toxic_active[$__rate_interval]))"
# Those that were on at any time of the range: all of them would not fit.
DEFENCES_ON = (
    "max by (defence) (defence_enabled) and on (defence) "
    "(max by (defence) (max_over_time(defence_enabled[$__range] @ end())) > 0)"
)
FAULT_MARKS = f"{FAULTS} > 0"
DEFENCE_MARKS = "sum by (defence) (changes(defence_enabled[$__rate_interval])) > 0"
ARM_MARKS = "max by (experiment, arm) (experiment_info) > 0"
ONE = "vector(1)"

# --- Users

AVAILABILITY = (
    'sum(increase(loadgen_request_duration_seconds_count{outcome="ok"}[$__range]))'
    " / sum(increase(loadgen_request_duration_seconds_count[$__range]))"
)
BY_OUTCOME = "sum by (outcome) (rate(loadgen_request_duration_seconds_count[$__rate_interval]))"
FAILED_BY_OUTCOME = 'sum by (outcome) (rate(loadgen_request_duration_seconds_count{outcome!="ok"}[$__rate_interval]))'
FAILED_BY_ROUTE = 'sum by (name) (rate(loadgen_request_duration_seconds_count{outcome!="ok"}[$__rate_interval]))'
TARGET_RATE = "sum(loadgen_target_rate)"
LATENCY_SPREAD = "sum by (le) (rate(loadgen_request_duration_seconds_bucket[$__rate_interval]))"
FAILED_SHARE = (
    '1 - sum(rate(loadgen_request_duration_seconds_count{outcome="ok"}[$__rate_interval]))'
    " / sum(rate(loadgen_request_duration_seconds_count[$__rate_interval]))"
)


def user_latency(quantile: float) -> str:
    """Return a quantile of all requests in seconds, failed ones too."""
    return (
        f"histogram_quantile({quantile}, sum by (le) (rate(loadgen_request_duration_seconds_bucket[$__rate_interval])))"
    )


# --- Arm against arm

ARMS = "max by (arm) (experiment_info)"
GOOD_BY_ARM = "sum by (arm) (rate(loadgen_good_total[$__rate_interval]))"
LATENCY_BY_ARM = (
    "histogram_quantile(0.99, sum by (arm, le)"
    ' (rate(loadgen_request_duration_seconds_bucket{outcome="ok"}[$__rate_interval])))'
)
FAILED_BY_ARM = (
    'sum by (arm, outcome) (rate(loadgen_request_duration_seconds_count{outcome!="ok"}[$__rate_interval])) > 0'
)
# As the load begins and ends there is next to none, and a share of it says nothing.
ATTEMPTS_PER_REQUEST = (
    "sum(rate(dependency_attempts_total[$__rate_interval])) / (sum(rate(loadgen_arrivals_total[$__rate_interval])) > 1)"
)


def per_phase_second(counter: str, by: str, matcher: str = "") -> str:
    """Return a counter of the generator per second of the phases that lie in the range."""
    return (
        f"sum by ({by}) (increase({counter}{matcher}[$__range]))"
        f" / sum by ({by}) (increase(loadgen_phase_seconds_total{matcher}[$__range]))"
    )


def success_by(by: str, matcher: str = "") -> str:
    """Return the share of good answers in time among all arrivals of the range."""
    return (
        f"sum by ({by}) (increase(loadgen_good_total{matcher}[$__range]))"
        f" / sum by ({by}) (increase(loadgen_arrivals_total{matcher}[$__range]))"
    )


def ok_latency_by(quantile: float, by: str, matcher: str = 'outcome="ok"') -> str:
    """Return a quantile of the answers that are ok: to refuse quickly makes no latency better."""
    return (
        f"histogram_quantile({quantile}, sum by ({by}, le)"
        f" (increase(loadgen_request_duration_seconds_bucket{{{matcher}}}[$__range])))"
    )


CHOSEN_PHASE = '{phase=~"$phase"}'
CHOSEN_PHASE_OK = 'phase=~"$phase",outcome="ok"'

# --- The load generator

ACHIEVED = "sum(rate(loadgen_arrivals_total[$__rate_interval])) / (sum(loadgen_target_rate) > 0)"
ARRIVALS = "sum by (name) (rate(loadgen_arrivals_total[$__rate_interval]))"
ANSWERED = "sum by (name) (rate(loadgen_request_duration_seconds_count[$__rate_interval]))"
UNANSWERED = "sum(loadgen_in_flight_requests)"
DROPPED = "sum by (name) (rate(loadgen_dropped_arrivals_total[$__rate_interval]))"
RUN_SECONDS = "max(loadgen_run_seconds)"
GENERATOR_CPU = 'sum(rate(process_cpu_seconds_total{job="loadgen"}[$__rate_interval]))'
# Optional targets that never answered are on Prometheus' own page.
UP = "up and on (job, instance) max_over_time(up[$__range] @ end()) > 0"
SCRAPE_TIME = "max by (job) (scrape_duration_seconds)"
SAMPLES = "sum by (job) (scrape_samples_post_metric_relabeling)"


def send_lag(quantile: float) -> str:
    """Return how late requests are sent."""
    return f"histogram_quantile({quantile}, sum by (le) (rate(loadgen_send_lag_seconds_bucket[$__rate_interval])))"


# --- When there was load at all

BEGAN = "min(min_over_time(timestamp(experiment_info == 1)[2d:1s]))"
ENDED = "max(max_over_time(timestamp(experiment_info == 1)[2d:1s]))"
