"""A sweep that nobody ran."""

from typing import Any

EVIL = "<script>alert(1)</script>"


def point(load: float, stall_s: float, state: str, *, wrong: bool = False, **changes: Any) -> dict[str, Any]:
    back = state in ("robust", "recovered")
    down = (state == "metastable") != wrong
    valid = state not in ("invalid", "not run")
    runs = [] if state == "not run" else [{"record": "r", "seed": 1, "valid": valid, "reasons": []}]
    return {
        "at": {"load": load, "stall_s": stall_s},
        "state": state,
        "recovery_s": 2.5 if back else None,
        "kept_fault": 0.1 if valid else None,
        "hold_s": 20.0,
        "predicted": {"recovery_s": None if down else 3.0, "stays_down": down},
        "as_predicted": not wrong if valid else None,
        "runs": runs,
        **changes,
    }


def sweep(*, reasons: list[str] | None = None, **changes: Any) -> dict[str, Any]:
    run = {"record": "r4", "seed": 2, "valid": False, "reasons": reasons or ["no cores were left"]}
    return {
        "schema_version": 1,
        "experiment": "storm",
        "arm": "one_retry",
        "summary": "2 recovered, 1 metastable, 1 invalid; 2 of 3 points as predicted.",
        "vary": [{"name": "load", "values": [0.3, 0.9]}, {"name": "stall_s", "values": [1.0, 10.0]}],
        "points": [
            point(0.3, 1.0, "recovered"),
            point(0.9, 1.0, "metastable"),
            point(0.3, 10.0, "metastable", wrong=True),
            point(0.9, 10.0, "invalid", runs=[run]),
        ],
        "agreement": {"as_predicted": 2, "compared": 3, "recovery_ratios": [0.8], "never": 0, "not_in_hold": 1},
        "borders": [
            {"kind": "never", "lines": [[(0.5, 1.0), (0.5, 10.0)]]},
            {"kind": "unseen", "lines": [[(0.49, 1.0), (0.45, 5.0), (0.4, 10.0)]]},
        ],
        "seeds": [1, 2],
        "target": "embedded",
        "started_at": "2026-11-22T12:00:00+00:00",
        "host": {"cores": 2, "python": "3.11"},
        "reproduce": "rulezero sweep storm --vary load=0.3,0.9 --vary stall_s=1,10",
        **changes,
    }
