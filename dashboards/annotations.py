"""The marks on every panel: faults and switched defences from metrics, experiments from Grafana's own annotations.

Those from metrics need no right to write anything, and come back with the data.
"""

from typing import Any

from dashboards.model import BAD, OFFERED, QUIET
from dashboards.queries import users

_ORANGE = "#FF780A"


def annotations() -> list[dict[str, Any]]:
    """Return the annotation queries in Grafana's form."""
    return [
        _from_metrics("Faults", users.FAULT_MARKS, BAD, "{{type}} on {{proxy}}", ["proxy", "type"]),
        _from_metrics("Defences switched", users.DEFENCE_MARKS, OFFERED, "{{defence}} was switched", ["defence"]),
        _by_tag("Experiments", "experiment", _ORANGE, shown=False),
        _by_tag("Arms", "arm", _ORANGE, shown=True),
        _by_tag("Phases", "phase", QUIET, shown=False),
        _by_tag("Predictions", "prediction", QUIET, shown=True),
    ]


def _from_metrics(name: str, expr: str, colour: str, text: str, tags: list[str]) -> dict[str, Any]:
    """Return regions where the expression has a value: samples that follow each other by a second are one."""
    return {
        "name": name,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "expr": expr,
        "step": "1s",
        "titleFormat": name,
        "textFormat": text,
        "tagKeys": ",".join(tags),
        "target": {"refId": name, "expr": expr, "interval": "1s"},
    }


def _by_tag(name: str, tag: str, colour: str, *, shown: bool) -> dict[str, Any]:
    return {
        "name": name,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": shown,
        "hide": False,
        "iconColor": colour,
        "target": {"limit": 200, "matchAny": False, "tags": ["rulezero", tag], "type": "tags"},
    }
