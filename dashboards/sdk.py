"""Grafana's types. Those of the classic model call themselves deprecated, but files are read in no newer one."""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
    from grafana_foundation_sdk.models import (
        bargauge,
        common,
        dashboard,
        heatmap,
        nodegraph,
        prometheus,
        stat,
        statetimeline,
        table,
        tempo,
        timeseries,
        xychart,
    )

__all__ = [
    "bargauge",
    "common",
    "dashboard",
    "heatmap",
    "nodegraph",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "tempo",
    "timeseries",
    "xychart",
]
