"""Frames small enough to check by hand: a manifest of four short phases, rows and metrics of one arm."""

from typing import Any

import polars as pl

from rulezero.record import TABLES

# warmup 0-1 s, baseline 1-5 s, fault 5-9 s, hold 9-19 s.
WINDOWS: list[list[Any]] = [["warmup", 0.0, 1.0], ["baseline", 1.0, 5.0], ["fault", 5.0, 9.0], ["hold", 9.0, 19.0]]
_SHIFT_S = 0.05


def manifest(**changes: Any) -> dict[str, Any]:
    """Return a manifest of a run in which all went well."""
    return {
        "experiment": "sample",
        "seed": 1,
        "control": "none",
        "interrupted": False,
        "windows": WINDOWS,
        "streams": [
            {"route": "browse", "rate_rps": 2.0, "deadline_s": 1.0, "keys": {}, "crosses": ["edge-catalog"]},
            {"route": "checkout", "rate_rps": 2.0, "deadline_s": 0.5, "keys": {}, "crosses": ["edge-checkout"]},
        ],
        "bursts": [],
        "arms": [{"name": "none", "defences": []}, {"name": "all", "defences": ["timeout", "retry"]}],
        "faults": [],
        "processes": ["edge", "catalog-1"],
        "exits": [],
        "host": {"cores": 2},
    } | changes


def phase_at(at_s: float) -> str:
    return next((name for name, _, end_s in WINDOWS if at_s < end_s), "hold")


def row(intended_s: float, **changes: Any) -> dict[str, Any]:
    """Return one good browse request, sent 1 ms late and answered after 10 ms."""
    return {
        "arm": "none", "intended_s": intended_s, "sent_s": intended_s + 0.001, "latency_ms": 10.0, "route": "browse",
        "key": 1, "priority": "normal", "phase": phase_at(intended_s), "outcome": "ok", "status": 200, "attempts": 1,
        "operation_id": "", "trace_id": "", "kind": "stream",
    } | changes  # fmt: skip


def rows(*requests: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(requests), schema={"arm": pl.String, **TABLES["rows"][1]})


def steady(*, per_second: int = 4, bad: range = range(0), until_s: int = 19, **changes: Any) -> list[dict[str, Any]]:
    """Return so many requests in each second; those intended in the seconds `bad` time out."""
    return [
        row(second + _SHIFT_S + part / per_second, **({"outcome": "timeout", "status": 0} if second in bad else {}))
        | changes
        for second in range(until_s)
        for part in range(per_second)
    ]


def sample(t_s: float, name: str, value: float, labels: str = "", *, process: str = "edge") -> dict[str, Any]:
    return {"arm": "none", "t_s": t_s, "process": process, "name": name, "labels": labels, "value": value}


def metrics(*samples: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(samples), schema={"arm": pl.String, **TABLES["metrics"][1]})


def spans(count: int = 1, *, arm: str = "none", service: str = "edge") -> pl.DataFrame:
    """Return so many spans, which say nothing but whose they are."""
    schema = {"arm": pl.String, **TABLES["spans"][1]}
    return pl.DataFrame([dict.fromkeys(schema) | {"arm": arm, "service": service} for _ in range(count)], schema=schema)


def generator(scheduled: int, *, arm: str = "none") -> pl.DataFrame:
    """Return what the generator says of itself, twice: half way and at the end."""
    said = {"sent": 0, "dropped": 0, "in_flight": 0, "send_lag_max_ms": 0.0, "cpu_s": 0.0}
    moments = [(1.0, scheduled // 2), (19.0, scheduled)]
    return pl.DataFrame(
        [{"arm": arm, "t_s": t_s, "scheduled": count, **said} for t_s, count in moments],
        schema={"arm": pl.String, **TABLES["generator"][1]},
    )
