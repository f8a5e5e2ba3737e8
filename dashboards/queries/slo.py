"""Service level objectives: what the rules record, and what the boards show of it."""

from dashboards.slo import Slo, duration

# An arm is shorter than most windows: what is left in them of the arm before is none of this one's doing.
_RUNNING = "on (arm) max by (arm) (experiment_info == 1)"
BURN_RATES = 'slo:burn_rate:ratio{slo="$slo"}'
PAGES = 'max by (slo, factor) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"})'
# What one bad request moves the burn rate of the shortest window by.
RESOLUTION = '1 / (5 * last_over_time(slo:requests:rate{slo="$slo"}[5s]) * on (slo) slo:error_budget:ratio)'
# A month of 30 days; 100 days stand for ever.
DAYS_TO_EXHAUSTION = '30 / clamp_min(last_over_time(slo:burn_rate:ratio{slo="$slo",window="1m"}[5s]), 0.3)'
OBJECTIVES = "max by (slo) (slo:objective:ratio)"
BAD_SHARES = 'max by (slo) (last_over_time(slo:sli_error:ratio{window="1m"}[5s]))'
SLO_REQUESTS = "max by (slo) (last_over_time(slo:requests:rate[5s]))"


def all_requests(slo: Slo) -> str:
    """Return the selector of the requests that a promise is about."""
    return f'loadgen_request_duration_seconds_count{{name=~"{"|".join(slo.routes)}"}}'


def good_requests(slo: Slo) -> str:
    """Return the selector of those that kept it."""
    named = f'name=~"{"|".join(slo.routes)}",outcome="ok"'
    if slo.within_s is None:
        return f"loadgen_request_duration_seconds_count{{{named}}}"
    return f'loadgen_request_duration_seconds_bucket{{{named},le="{slo.within_s}"}}'


def bad_share(slo: Slo, window_s: int) -> str:
    """Return the share of bad requests of the running arm over a window.

    Nothing where there were none, and once the load has ended; 1 where none was good.
    """
    window = duration(window_s)
    good, everything = _rate_of_arm(good_requests(slo), window), _rate_of_arm(all_requests(slo), window)
    return f"1 - ({good} or vector(0)) / ({everything} > 0)"


def budget_left(slo: Slo) -> str:
    """Return what is left of the budget of the requests in the range: 1 is all of it, below 0 it is overspent."""
    return (
        f"1 - (1 - sum(increase({good_requests(slo)}[$__range])) / sum(increase({all_requests(slo)}[$__range])))"
        f" / {slo.budget}"
    )


def constant(value: float) -> str:
    """Return a series that always has this value."""
    return f"vector({value})"


def request_rate(slo: Slo) -> str:
    """Return the requests a second that a promise is about, in the running arm."""
    return _rate_of_arm(all_requests(slo), "30s")


def _rate_of_arm(selector: str, window: str) -> str:
    return f"sum(rate({selector}[{window}]) and {_RUNNING})"


def burn_rate(slo: Slo) -> str:
    """Return how many times faster than allowed the budget is spent, by window."""
    return f'slo:sli_error:ratio{{slo="{slo.name}"}} / on (slo) group_left slo:error_budget:ratio{{slo="{slo.name}"}}'


def burns(factor: float, long_s: int, short_s: int) -> str:
    """Return the condition of a page.

    A rate over more than the run is really one since its start, and would page at once: it has to wait.
    """
    long, short = duration(long_s), duration(short_s)
    return (
        f'slo:burn_rate:ratio{{window="{long}"}} > {factor:g}'
        f' and on (slo) slo:burn_rate:ratio{{window="{short}"}} > {factor:g}'
        f" and on () max(loadgen_run_seconds) >= {long_s}"
    )


EDGE_FAILURES = (
    '(sum(rate(http_server_request_duration_seconds_count{job="edge",http_response_status_code=~"5.."}'
    '[$__rate_interval])) or 0 * sum(rate(http_server_request_duration_seconds_count{job="edge"}[$__rate_interval])))'
    ' / sum(rate(http_server_request_duration_seconds_count{job="edge"}[$__rate_interval]))'
)
