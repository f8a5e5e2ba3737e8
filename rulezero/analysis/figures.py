"""The figures of one arm, by phase, from its rows and metrics.

A request belongs to the phase of its intended send. Good means correct and within the caller's deadline.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import polars as pl

from rulezero.analysis.counters import increase, increase_by, label_value, link_group, select, unbroken
from rulezero.analysis.queues import queues
from rulezero.analysis.recovery import STEP_S, back_for_good_s
from rulezero.analysis.system import backlog_rps, caches, capacity_rps, dead_work, settled_attempts_rps
from rulezero.defences import CATALOGUE
from rulezero.experiment import MEASURED, PhaseName
from rulezero.outcome import Outcome

Window = tuple[float, float]

_IDLE = {defence.name: defence.idle_decisions for defence in CATALOGUE}


def windows_of(manifest: Mapping[str, Any]) -> dict[str, Window]:
    """Return phase to (start, end)."""
    return {name: (start_s, end_s) for name, start_s, end_s in manifest["windows"]}


def offered(rows: pl.DataFrame, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """Return the open-loop rows with the column `good`."""
    loads = {("burst" if "at_s" in load else "stream", load["route"]): load["deadline_s"] * 1000
             for load in (*manifest["streams"], *manifest["bursts"])}  # fmt: skip
    in_time = pl.any_horizontal(
        pl.lit(value=False),
        *(
            (pl.col("kind") == kind) & (pl.col("route") == route) & (pl.col("latency_ms") <= deadline_ms)
            for (kind, route), deadline_ms in loads.items()
        ),
    )
    good = (pl.col("outcome") == Outcome.OK) & in_time.fill_null(value=False)
    return rows.filter(pl.col("kind") != "closed").with_columns(good.alias("good"))


def arm_figures(
    rows: pl.DataFrame, metrics: pl.DataFrame, manifest: Mapping[str, Any], arm: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything verdict.json says of one arm but its predictions and effect.

    `rows` and `metrics` hold this arm alone.
    """
    windows = windows_of(manifest)
    requests = offered(rows, manifest)
    phases = {name: requests.filter(pl.col("phase") == name) for name in MEASURED}
    lengths_s = {name: windows[name][1] - windows[name][0] for name in MEASURED}
    decided = decisions(metrics)
    routes = sorted({stream["route"] for stream in manifest["streams"]})
    return {
        "name": arm["name"],
        "defences": list(arm["defences"]),
        "services": dict(arm.get("services", {})),
        "goodput_rps": {name: part.filter(pl.col("good")).height / lengths_s[name] for name, part in phases.items()},
        "offered_rps": {name: part.height / lengths_s[name] for name, part in phases.items()},
        "routes": {route: route_rates(phases, lengths_s, route) for route in routes},
        "outcomes": {name: outcome_counts(part) for name, part in phases.items()},
        "latency_ms": {name: latencies(part) for name, part in phases.items()},
        "answered_ms": answered_ms(rows),
        "crowd": crowd(requests, manifest),
        "lengths_s": dict(lengths_s),
        "recovery_s": recovery_s(requests, windows),
        "attempts_per_request": attempts_per_request(rows, metrics, manifest, windows),
        "origin_loads": origin_loads(metrics, manifest, windows, arm),
        "capacity_rps": capacity_rps(metrics, windows),
        "backlog_rps": backlog_rps(metrics, windows),
        "dead_work": dead_work(metrics, windows),
        "settled_offered_rps": settled_offered_rps(requests, windows),
        "settled_attempts_rps": settled_attempts_rps(metrics, windows),
        "caches": caches(metrics, manifest, windows),
        "queues": queues(metrics, manifest, windows, arm["name"]),
        "decisions": decided,
        "not_exercised": [name for name in arm["defences"] if not exercised(name, decided.get(name, {}))],
        "ledger": arm.get("ledger", {}),
    }


def arrivals_s(rows: pl.DataFrame, manifest: Mapping[str, Any]) -> list[float]:
    """Return the arrivals from the beginning of the fault on, in seconds since then, in order."""
    fault_s, _ = windows_of(manifest)["fault"]
    after = offered(rows, manifest).get_column("intended_s") - fault_s
    return after.filter(after >= 0).sort().to_list()


def route_rates(
    phases: Mapping[PhaseName, pl.DataFrame], lengths_s: Mapping[PhaseName, float], route: str
) -> dict[str, dict[str, float]]:
    """Return goodput and offered load of one route's streams by phase; crowds are apart."""
    mine = (pl.col("route") == route) & (pl.col("kind") == "stream")
    return {
        "goodput_rps": {
            name: part.filter(mine & pl.col("good")).height / lengths_s[name] for name, part in phases.items()
        },
        "offered_rps": {name: part.filter(mine).height / lengths_s[name] for name, part in phases.items()},
    }


def exercised(defence: str, decided: Mapping[str, int]) -> bool:
    """Return whether a defence ever did something: letting a call pass, which it does all day, is not that."""
    return any(count and decision not in _IDLE.get(defence, ()) for decision, count in decided.items())


def outcome_counts(rows: pl.DataFrame) -> dict[str, int]:
    """Return the number of requests by each of the six outcomes."""
    counts = dict(rows.group_by("outcome").len().iter_rows())
    return {outcome.value: int(counts.get(outcome.value, 0)) for outcome in Outcome}


def latencies(rows: pl.DataFrame) -> dict[str, float | None]:
    """Return percentiles of the good answers in milliseconds, None when there are none."""
    good = rows.filter(pl.col("good")).get_column("latency_ms")
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p999": 0.999}
    return {name: _number(good.quantile(share, "linear")) for name, share in shares.items()}


def answered_ms(rows: pl.DataFrame) -> dict[str, dict[str, Any] | None]:
    """Return percentiles of all answers, late and bad ones too, as each loop measured them, by itself and in all.

    The open loop counts from the intended send; "closed" are users who wait for the answer before they ask again, and
    count from the actual one. None where nobody asked so.
    """
    answered = rows.filter((pl.col("status") > 0) & pl.col("phase").is_in(MEASURED))
    is_closed = pl.col("kind") == "closed"
    return {"open": _by_loop(answered.filter(~is_closed)), "closed": _by_loop(answered.filter(is_closed))}


def _by_loop(answered: pl.DataFrame) -> dict[str, Any] | None:
    if answered.is_empty():
        return None
    parts = {"baseline": answered.filter(pl.col("phase") == "baseline"), "measured": answered}
    return {
        name: {
            "count": part.height,
            **{
                f"p{share:g}": _number(part.get_column("latency_ms").quantile(share / 100, "linear"))
                for share in (50, 99)
            },
        }
        for name, part in parts.items()
    }


def crowd(requests: pl.DataFrame, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how many of the bursts' requests were good, and when the last was; None without bursts."""
    if not manifest["bursts"]:
        return None
    asked = requests.filter(pl.col("kind") == "burst")
    good = asked.filter(pl.col("good"))
    last_ms = good.get_column("latency_ms").max()
    return {
        "asked": asked.height,
        "good": good.height,
        "last_s": last_ms / 1000 if isinstance(last_ms, float) else None,
    }


def recovery_s(requests: pl.DataFrame, windows: Mapping[str, Window]) -> float | None:
    """Return how long after the fault goodput was back for good, in seconds; None when it was not (see `recovery`)."""
    baseline = requests.filter(pl.col("phase") == "baseline").get_column("good").mean()
    fault_end_s, end_s = windows["hold"]
    after = requests.filter(pl.col("phase") == "hold")
    if not isinstance(baseline, float) or baseline == 0.0 or after.is_empty():
        return None
    step = ((pl.col("intended_s") - fault_end_s) / STEP_S).floor().cast(pl.Int64)
    per_step = after.group_by(step.alias("step")).agg(pl.col("good").sum(), pl.len().alias("asked"))
    steps = {number: (good, asked) for number, good, asked in per_step.iter_rows()}
    return back_for_good_s(steps, hold_s=end_s - fault_end_s, baseline=baseline)


def settled_offered_rps(requests: pl.DataFrame, windows: Mapping[str, Window]) -> dict[str, float]:
    """Return the load in the second half of each phase."""
    rates: dict[str, float] = {}
    for name in MEASURED:
        start_s, end_s = windows[name]
        middle_s = (start_s + end_s) / 2
        rates[name] = requests.filter(pl.col("intended_s").is_between(middle_s, end_s, closed="left")).height / (
            end_s - middle_s
        )
    return rates


def attempts_per_request(
    requests: pl.DataFrame, metrics: pl.DataFrame, manifest: Mapping[str, Any], windows: Mapping[str, Window]
) -> dict[str, dict[str, float | None]]:
    """Return, for each link that a route is meant to cross, attempts on it per request of those routes, by phase.

    Attempts count when they are made, requests when they were meant to be sent: a backlog that is worked off later
    shows as more than its due, with or without retries. `requests` are all, of users who wait for answers too: their
    attempts are among those that are counted.
    """
    crossing: dict[str, list[str]] = {}
    for stream in manifest["streams"]:
        for link in stream["crosses"]:
            crossing.setdefault(link, []).append(stream["route"])
    by_phase = {
        name: increase_by(metrics, "dependency_attempts_total", link_group(), start_s=start_s, end_s=end_s)
        for name, (start_s, end_s) in windows.items()
        if name in MEASURED
    }
    result: dict[str, dict[str, float | None]] = {}
    for link, routes in crossing.items():
        result[link] = {}
        for name in MEASURED:
            count = requests.filter((pl.col("phase") == name) & pl.col("route").is_in(routes)).height
            attempts = by_phase[name].get(link, 0.0)
            result[link][name] = attempts / count if count else None
    return result


def origin_loads(
    metrics: pl.DataFrame, manifest: Mapping[str, Any], windows: Mapping[str, Window], arm: Mapping[str, Any]
) -> dict[str, float | None] | None:
    """Return the loads of cached entries that reached the database, and how many the crowd wanted.

    `total` is PostgreSQL's own count over the whole arm. By window the statements that the services got through to
    it: `per_expiry`, the mean over the expiries of the fault phase before the first burst, and `burst`, all from the
    burst to the end of the arm. `burst_wanted` are the loads started since the burst; those beyond `burst` waited for
    a connection and never got one while the arm lasted.
    """
    if "origin_total" not in arm:
        return None
    start_s, _ = windows["fault"]
    end_s = windows["hold"][1]
    burst_s = min((start_s + burst["at_s"] for burst in manifest["bursts"]), default=None)
    until_s = burst_s if burst_s is not None else end_s
    expiries = [
        fault["start_s"]
        for fault in manifest["faults"]
        if fault["arm"] == arm["name"] and fault["kind"] == "expiry" and fault["start_s"] < until_s
    ]
    reached = partial(
        increase,
        metrics,
        "db_client_operation_duration_seconds_count",
        labels={"db_operation_name": arm["origin_operation"]},
        sudden=True,
    )
    wanted = partial(increase, metrics, "cache_loads_total", sudden=True)
    return {
        "total": float(arm["origin_total"]),
        "per_expiry": reached(start_s=start_s, end_s=until_s) / len(expiries) if expiries else None,
        "burst": reached(start_s=burst_s, end_s=end_s) if burst_s is not None else None,
        "burst_wanted": wanted(start_s=burst_s, end_s=end_s) if burst_s is not None else None,
    }


def decisions(metrics: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return the decisions of each defence over the whole arm."""
    found = unbroken(select(metrics, "defence_decisions_total")).with_columns(
        label_value("defence").alias("defence"), label_value("decision").alias("decision")
    )
    last = found.sort("t_s").group_by("process", "labels", "defence", "decision").agg(pl.col("value").last())
    result: dict[str, dict[str, int]] = {}
    totals = last.group_by("defence", "decision").agg(pl.col("value").sum()).sort("defence", "decision")
    for defence, decision, count in totals.iter_rows():
        result.setdefault(defence, {})[decision] = int(count)
    return result


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
