"""Whether the instrument measures what it should: the line before payment against the laws of queues.

Payment has a few slots and a service time that is exponential, or always the same. Under Poisson load its mean wait is
known: Erlang's (1917) for the one, Cosmetatos' approximation (1976) for the other. A run is short, and near saturation
a mean over a minute is noisy, so each is also held against the line of its very arrivals and service times (Kiefer and
Wolfowitz 1955), which leaves nothing to chance: what is off there is the instrument's.
"""

import asyncio
import platform
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.instrument_point import SERVICE_S, SLOTS, WARMUP_S, Load, Waits, run_point
from rulezero import checkout
from rulezero.analysis.paired import interval
from rulezero.lab.description import read_description
from rulezero.lab.lab import Lab, open_lab
from rulezero.runner.manifest import usable_cores

LOADS = (0.5, 0.7, 0.9)
SERVICES = {"exponential": 1.0, "fixed": 0.0}
CALM = 0.1
_CALM_S = 20.0


def measure(*, length_s: float, repetitions: int, seed: int) -> dict[str, Any]:
    """Run all points, each so often with a seed of its own, and return what came out."""
    return asyncio.run(_measure(length_s, repetitions, seed))


async def _measure(length_s: float, repetitions: int, seed: int) -> dict[str, Any]:
    root = checkout.require_checkout()
    description = read_description(root / "services/lab.toml", root)
    seeds = list(range(seed, seed + repetitions))
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        (folder / "logs").mkdir()
        async with open_lab(description, logs=folder / "logs", seed=seed) as lab:
            calm = Load(rate_rps=CALM * SLOTS / SERVICE_S, cv=0.0, seed=seed, length_s=_CALM_S)
            idle = await run_point(lab, calm, folder / "calm")
            points = [point async for point in _points(lab, folder, idle, length_s, seeds)]
    return {
        "slots": SLOTS,
        "service_ms": SERVICE_S * 1000,
        "hold_ms": _ms(idle.hold_s),
        "capacity_rps": round(SLOTS / idle.hold_s, 1),
        "way_ms": _ms(idle.client_s - idle.wait_s),
        "warmup_s": WARMUP_S,
        "length_s": length_s,
        "seeds": seeds,
        "calm": CALM,
        "host": {"cores": usable_cores(), "platform": platform.platform(), "python": platform.python_version()},
        "points": points,
    }


async def _points(
    lab: Lab, folder: Path, idle: Waits, length_s: float, seeds: Sequence[int]
) -> AsyncIterator[dict[str, Any]]:
    for service, cv in SERVICES.items():
        for load in LOADS:
            rate_rps = load * SLOTS / idle.hold_s
            runs: list[Waits] = []
            for seed in seeds:
                sys.stderr.write(f"{service} service, {load:g} of the capacity, seed {seed}\n")  # It takes minutes.
                asked = Load(rate_rps=rate_rps, cv=cv, seed=seed, length_s=length_s)
                runs.append(await run_point(lab, asked, folder / f"{service}-{load:g}-{seed}"))
            yield summed_up(service, load, runs, way_s=idle.client_s - idle.wait_s)


def summed_up(service: str, load: float, runs: Sequence[Waits], *, way_s: float) -> dict[str, Any]:
    """Return one point: means over its runs, ratios with their 95 % intervals over the runs, and the runs."""
    return {
        "service": service,
        "load": load,
        "rate_rps": round(fmean(run.rate_rps for run in runs), 1),
        "wait_ms": _ms(fmean(run.wait_s for run in runs)),
        "client_ms": _ms(fmean(run.client_s for run in runs) - way_s),
        "law_ms": _ms(fmean(run.law_s for run in runs)),
        "arrivals_ms": _ms(fmean(run.arrivals_s for run in runs)),
        "over_erlang": _ratio([run.wait_s / run.erlang_s for run in runs]),
        "over_law": _ratio([run.wait_s / run.law_s for run in runs]),
        "over_arrivals": _ratio([run.wait_s / run.arrivals_s for run in runs]),
        "runs": [{name: round(value, 6) for name, value in asdict(run).items()} for run in runs],
    }


def _ratio(values: Sequence[float]) -> dict[str, float | None]:
    found = interval(values)
    known = len(values) > 1
    return {
        "mean": round(found.mean, 3),
        "low": round(found.low, 3) if known else None,
        "high": round(found.high, 3) if known else None,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
