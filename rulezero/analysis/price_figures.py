"""What one arm cost while nothing was wrong: latency, CPU and calls per request, and what its defence decided.

Measured from the end of the warm-up to the end of the load, as one.
"""

import polars as pl

from rulezero.analysis.counters import increase, increase_by, label_value, select
from rulezero.analysis.figures import offered, windows_of
from rulezero.analysis.manifest import require_judgeable
from rulezero.analysis.trips import counted
from rulezero.record import Record

Figures = dict[str, float | None]

GENERATOR = "locust"
DECIDED = "decided "  # What the names of decisions begin with among the figures.
PER = 1000.0
_MS = 1000.0


def price_figures(record: Record) -> dict[str, Figures]:
    """Return the figures of each arm that may be believed; the arms of a defence have its name.

    An arm's own checks speak of that arm alone, which began with fresh services; what spoils the whole run, such as an
    interruption, leaves none.

    Raises:
        UsageProblem: The manifest lacks something.

    """
    require_judgeable(record)
    verdict, manifest = record.verdict, record.manifest
    failed = [one for one in verdict.get("validity", ()) if not one["ok"]]
    if not verdict or len(verdict["invalid_reasons"]) > len(failed):
        return {}
    spoilt = {one["arm"] for one in failed}
    names = [arm["name"] for arm in manifest["arms"]]
    return {name: _arm_figures(record, name) for name in names if name not in spoilt}


def _arm_figures(record: Record, name: str) -> Figures:
    manifest = record.manifest
    rows, metrics = (frame.filter(pl.col("arm") == name) for frame in (record.rows, record.metrics))
    windows = windows_of(manifest)
    start_s, end_s = windows["baseline"][0], windows["hold"][1]
    requests = offered(rows, manifest).filter(pl.col("intended_s").is_between(start_s, end_s, closed="left"))
    good = requests.filter(pl.col("good")).get_column("latency_ms")
    count = requests.height
    cpu_s = _cpu_s(metrics, start_s, end_s)
    services = {process: used_s for process, used_s in cpu_s.items() if process in manifest["processes"]}
    rest = {process: used_s for process, used_s in cpu_s.items() if process != GENERATOR}
    calls = increase(metrics, "dependency_attempts_total", start_s=start_s, end_s=end_s)
    return {
        "p50_ms": _quantile(good, 0.5),
        "p99_ms": _quantile(good, 0.99),
        "cpu_services_ms": _per(sum(services.values()) * _MS, count) if services else None,
        "cpu_ms": _per(sum(rest.values()) * _MS, count) if rest else None,
        "calls": _per(calls, count),
        "good": _per(good.len(), count),
        **_decided(name, metrics, start_s, end_s, count),
    }


def _cpu_s(metrics: pl.DataFrame, start_s: float, end_s: float) -> dict[str, float]:
    """Return the CPU time of each part; a sample says what was used since the one before, a second ago."""
    used = select(metrics, "machine_process_cores").filter(pl.col("t_s").is_between(start_s, end_s))
    mean = used.group_by(label_value("part").alias("part")).agg(pl.col("value").mean())
    return {part: cores * (end_s - start_s) for part, cores in mean.iter_rows()}


def _decided(defence: str, metrics: pl.DataFrame, start_s: float, end_s: float, count: int) -> Figures:
    """Return what this defence decided that counts, by decision and in all, per thousand requests."""
    key = pl.concat_str(label_value("defence"), pl.lit("\t"), label_value("decision"))
    grew = increase_by(metrics, "defence_decisions_total", key, start_s=start_s, end_s=end_s)
    found: dict[str, float] = {}
    for labels, times in grew.items():
        decider, _, decision = labels.partition("\t")
        if decider == defence and counted(defence, decision) is not None:
            found[decision] = times
    trips = sum(times for decision, times in found.items() if counted(defence, decision) == "false trips")
    return {
        "false_trips": _per(PER * trips, count),
        "acts": _per(PER * (sum(found.values()) - trips), count),
        **{f"{DECIDED}{decision}": _per(PER * times, count) for decision, times in found.items() if times},
    }


def _per(value: float, count: int) -> float | None:
    return value / count if count else None


def _quantile(values: pl.Series, share: float) -> float | None:
    found = values.quantile(share, "linear")
    return None if found is None else float(found)
