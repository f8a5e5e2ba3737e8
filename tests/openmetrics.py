"""What Prometheus reads out of a text of metrics."""

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families


def families(text: str) -> list[Metric]:
    """Return the metrics of a whole text in OpenMetrics' format. Raises ValueError: it is malformed."""
    return list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # The library leaves it untyped.
