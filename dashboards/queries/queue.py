"""The queue, and what it must do by rho*t - C*t."""

from dashboards.queries.services import mean_hold

# Short, because half of a window is how late a change is seen.
_WINDOW = "3s"
QUEUE_PUBLISHED = f'sum(rate(messages_published_total{{result="accepted"}}[{_WINDOW}]))'
_HOLD = mean_hold("mailer", _WINDOW)
# Slots / mean holding time. A dead worker serves nobody, and 0 / 0 is no capacity either.
QUEUE_CAPACITY = f'sum(concurrency_limit{{job="mailer",resource="slots"}}) / (({_HOLD}) > 0) or vector(0)'
# Only while there is a backlog: what could have been done before there was one is not saved up. By arm, because
# between arms the queue is emptied.
QUEUE_GROWTH = (
    "((queue:published:rate - queue:capacity:rate) and on () max(queue_depth) > 10)"
    " * on () group_left (arm, run_id) max by (arm, run_id) (experiment_info == 1)"
)
DEPTH = "max by (queue) (queue_depth)"
DEPTH_PREDICTED = (
    # Longer than any arm, whatever the range shows; by run, because names of arms come again.
    "clamp_min(sum by (arm, run_id) (sum_over_time(queue:growth:rate[30m])), 0)"
    " and on (arm, run_id) (max by (arm, run_id) (experiment_info) == 1)"
    " or 0 * max by (arm, run_id) (experiment_info == 1)"
)
OLDEST = "max by (queue) (queue_oldest_message_age_seconds)"
# Over longer than a pause of a second or two, in which nothing comes and nothing gets old either.
OLDEST_PREDICTED = "max(queue_depth) / (avg_over_time(queue:published:rate[10s]) > 0)"
QUEUE_OFFERED = "queue:published:rate"
QUEUE_CAPACITY_NOW = "queue:capacity:rate"
QUEUE_LOAD = "queue:published:rate / (queue:capacity:rate > 0)"
PUBLISHED = "sum by (result) (rate(messages_published_total[$__rate_interval]))"
DELIVERED = "sum by (redelivered) (rate(messages_delivered_total[$__rate_interval]))"
PROCESSED = "sum by (result) (rate(messages_processed_total[$__rate_interval]))"
DELIVERED_AGAIN = 'round(sum(increase(messages_delivered_total{redelivered="true"}[$__range])))'
# By what is observed: C is what the slots can do, and not all of them need be at work.
DRAIN_TIME = "clamp_max(max(queue_depth) / (-deriv(max(queue_depth)[5s:1s]) > 0), 60)"
WORKER_SLOTS = 'sum by (resource) (concurrency_in_use{job="mailer"})'
WORKER_LIMIT = 'sum by (resource) (concurrency_limit{job="mailer"})'


def message_age(quantile: float) -> str:
    """Return how old a message is when its work is done."""
    return f"histogram_quantile({quantile}, sum by (le) (rate(message_age_seconds_bucket[$__rate_interval])))"
