"""The only place that names a metric or a span attribute."""
