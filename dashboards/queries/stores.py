"""Caches and databases."""

HIT_RATIO = (
    'sum by (cache) (rate(cache_requests_total{cache=~"$cache",result="hit"}[$__rate_interval]))'
    ' / sum by (cache) (rate(cache_requests_total{cache=~"$cache"}[$__rate_interval]))'
)
LOOKUPS = 'sum by (result) (rate(cache_requests_total{cache=~"$cache"}[$__rate_interval]))'
HERD = 'histogram_quantile(1, sum by (cache, le) (rate(cache_herd_size_bucket{cache=~"$cache"}[$__rate_interval])))'
LOADS = 'sum by (cache) (rate(cache_loads_total{cache=~"$cache"}[$__rate_interval]))'
LOADS_UNDEFENDED = (
    'sum by (cache) (rate(cache_requests_total{cache=~"$cache",result=~"miss|stale|error"}[$__rate_interval]))'
)
LOAD_TIME = (
    'histogram_quantile(0.99, sum by (cache, le) (rate(cache_load_duration_seconds_bucket{cache=~"$cache"}'
    "[$__rate_interval])))"
)
STATEMENTS_PER_REQUEST = (
    "sum(rate(db_client_operation_duration_seconds_count[$__rate_interval]))"
    " / (sum(rate(loadgen_arrivals_total[$__rate_interval])) > 1)"
)
STATEMENTS = "sum by (job, db_role) (rate(db_client_operation_duration_seconds_count[$__rate_interval]))"
STATEMENT_P99 = (
    "histogram_quantile(0.99, sum by (job, db_role, le)"
    " (rate(db_client_operation_duration_seconds_bucket[$__rate_interval])))"
)
CONNECTIONS_USED = (
    'sum by (job, pool) (db_client_connection_count{db_client_connection_state="used"})'
    ' / sum by (job, pool) (db_client_connection_count{db_client_connection_state="max"})'
)
CONNECTIONS_WAITED_FOR = "sum by (job, pool) (db_client_connection_pending_requests)"
