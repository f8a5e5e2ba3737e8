"""Where Grafana shows what a record was measured from: the whole run arm against arm, and each arm by itself."""

import re
from collections.abc import Mapping
from typing import Any

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


def _range(start_s: float, end_s: float) -> str:
    return f"from={(start_s - _MARGIN_S) * 1000:.0f}&to={(end_s + _MARGIN_S) * 1000:.0f}"
