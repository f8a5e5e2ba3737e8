"""Where Grafana shows what a record was measured from: the board that compares arms, over each arm's time."""

import re
from collections.abc import Mapping
from typing import Any

BOARD = "bench-compare"
_ADDRESS = re.compile(r"https?://[\w.:/\[\]-]+")


def grafana_links(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (arm, address), nothing for a run that no Grafana showed or that its Grafana did not outlive."""
    base, windows = manifest.get("grafana"), manifest.get("windows")
    if not isinstance(base, str) or not _ADDRESS.fullmatch(base) or not windows:
        return []
    length_s = windows[-1][2]
    began = [(arm["name"], arm.get("began_at_s")) for arm in manifest.get("arms", ())]
    return [
        (name, f"{base}/d/{BOARD}?from={began_s * 1000:.0f}&to={(began_s + length_s) * 1000:.0f}")
        for name, began_s in began
        if isinstance(began_s, int | float)
    ]
