"""Where Grafana shows what a record was measured from, and what is marked there once the record is judged."""

import re
from collections.abc import Mapping
from typing import Any

from rulezero.collect.grafana import TAG, Region
from rulezero.report.tables import prediction_rows

WHOLE_RUN = "all arms, compared"
_COMPARE, _OVERVIEW = "bench-compare", "bench-overview"
_ADDRESS = re.compile(r"https?://[\w.:/\[\]-]+")
# More than a scrape: what is counted in a range needs a sample from before it and one from after.
_MARGIN_S = 1.5


def grafana_links(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, address) of the run and of each arm, nothing if no Grafana showed it or its Grafana is gone."""
    base, windows = manifest.get("grafana"), manifest.get("windows")
    if not isinstance(base, str) or not _ADDRESS.fullmatch(base) or not windows:
        return []
    length_s = windows[-1][2]
    found = [(arm["name"], arm.get("began_at_s")) for arm in manifest.get("arms", ())]
    began = [(name, began_s) for name, began_s in found if isinstance(began_s, int | float)]
    if not began:
        return []
    whole = f"{base}/d/{_COMPARE}?{_range(began[0][1], began[-1][1] + length_s)}"
    arms = [(name, f"{base}/d/{_OVERVIEW}?{_range(began_s, began_s + length_s)}") for name, began_s in began]
    return [(WHOLE_RUN, whole), *arms]


def prediction_marks(manifest: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[Region]:
    """Return a mark at the end of each arm that says what was predicted of it, what came out, and what is accepted."""
    length_s = manifest["windows"][-1][2]
    ends_s = {arm["name"]: arm["began_at_s"] + length_s for arm in manifest["arms"] if "began_at_s" in arm}
    told: dict[str, list[str]] = {}
    for row in prediction_rows(verdict):
        within = {"yes": "within", "no": "OUTSIDE"}.get(row.within, "not measured,")
        line = f"{row.name}: predicted {row.predicted}, measured {row.measured}, {within} {row.accepted}"
        told.setdefault(row.arm, []).append(line)
    return [
        Region(
            tags=(TAG, "prediction", verdict["experiment"], arm),
            text="\n".join((arm, *lines)),
            start_s=ends_s[arm],
            end_s=ends_s[arm],
        )
        for arm, lines in told.items()
        if arm in ends_s
    ]


def _range(start_s: float, end_s: float) -> str:
    return f"from={(start_s - _MARGIN_S) * 1000:.0f}&to={(end_s + _MARGIN_S) * 1000:.0f}"
