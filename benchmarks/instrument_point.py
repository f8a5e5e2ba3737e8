"""One point of the instrument check: payment, by itself, under Poisson load for a while.

The generator, the link and the service are those of every run: Locust under a plan, Toxiproxy, a process of the lab.
The load goes to payment through the link that checkout has to it, so that only payment's slots make anybody wait.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean

import aiohttp

from rulezero.analysis.predict import erlang_c_wait_s, fixed_service_wait_s, waits_s
from rulezero.collect.samples import split
from rulezero.experiment import Stream
from rulezero.lab.lab import Lab
from rulezero.load import Generator, LoadPlan, Row, parse
from rulezero.service.service_time import service_time_s

LOCUSTFILE = Path("loadtests/shop.py")
LINK, SERVICE, ROUTE = "checkout-payment", "payment", "charge"
SLOTS = 4
SERVICE_S = 0.05
WARMUP_S = 6.0
_LEAD_S = 0.3
_DEADLINE_S = 20.0
_GRACE_S = 10.0
_METRICS = {name: (f"concurrency_{name}_seconds_sum", f"concurrency_{name}_seconds_count") for name in ("wait", "hold")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What is asked of payment. `cv` is the spread of its service times: 1 exponential, 0 fixed."""

    rate_rps: float
    cv: float
    seed: int
    length_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Waits:
    """Mean waits for a slot in one run, in seconds, as measured and as they should have been.

    `wait_s` is what the service says. `client_s` is what the generator saw beyond the time that a slot was held; it
    holds all that lies between the two besides. `law_s` is by the rate and the hold as they came (`erlang_s` takes the
    hold for exponential, which it is but for the write to the database), `arrivals_s` by these very arrivals.
    """

    rate_rps: float
    hold_s: float
    wait_s: float
    client_s: float
    erlang_s: float
    law_s: float
    arrivals_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the service counted meanwhile, means in seconds."""

    wait_s: float
    hold_s: float


async def run_point(lab: Lab, load: Load, folder: Path) -> Waits:
    """Run one point on fresh services; `folder` gets its files. Raises Problem."""
    plan = _plan(lab, load, folder)
    await lab.reset()
    await lab.start_services(_environment(load))
    paths = {"plan_path": folder / "plan.json", "log_path": folder / "locust.log"}
    async with Generator(plan, locustfile=LOCUSTFILE, **paths) as generator:
        told = await _observe(generator, f"http://{lab.admin_addresses[SERVICE]}/metrics", plan.duration_s)
    await lab.stop_services()
    return judge(_rows(folder), told, load)


def _plan(lab: Lab, load: Load, folder: Path) -> LoadPlan:
    folder.mkdir()
    return LoadPlan(
        seed=load.seed,
        host=f"http://{lab.links[LINK]}",
        windows=(("warmup", 0.0, WARMUP_S), ("baseline", WARMUP_S, WARMUP_S + load.length_s)),
        streams=(Stream(route=ROUTE, rate_rps=load.rate_rps, deadline_s=_DEADLINE_S),),
        rows_path=str(folder / "rows.csv"),
        generator_path=str(folder / "generator.csv"),
        run_id=folder.name,
    )


def _rows(folder: Path) -> list[Row]:
    text = (folder / "rows.csv").read_text(encoding="utf-8")
    return [row for row in map(parse, text.splitlines()) if row is not None]


def judge(rows: list[Row], told: Told, load: Load) -> Waits:
    """Return the waits of a run beside what they should have been. Raises ValueError when not all was answered."""
    rows = sorted(rows, key=lambda row: row.sent_s)
    bad = sum(row.status != 201 for row in rows)
    measured = [number for number, row in enumerate(rows) if row.intended_s >= WARMUP_S]
    if bad or not measured:
        raise ValueError(f"{bad} of {len(rows)} requests were not answered as they should")
    # Those that the service drew, in the order in which it gave its slots: that of the arrivals.
    random = Random(f"{load.seed}:{SERVICE}:service")
    drawn_s = [service_time_s(SERVICE_S, load.cv, random) for _ in rows]
    besides_s = told.hold_s - fmean(drawn_s[number] for number in measured)
    exact_s = waits_s([row.sent_s for row in rows], [one + besides_s for one in drawn_s], SLOTS)
    rate_rps = len(measured) / load.length_s
    erlang_s = erlang_c_wait_s(SLOTS, rate_rps, told.hold_s)
    spread = load.cv * (told.hold_s - besides_s) / told.hold_s
    return Waits(
        rate_rps=rate_rps,
        hold_s=told.hold_s,
        wait_s=told.wait_s,
        client_s=fmean(rows[number].latency_ms / 1000 for number in measured) - told.hold_s,
        erlang_s=erlang_s,
        law_s=erlang_s * (1 + spread**2) / 2 if load.cv else fixed_service_wait_s(SLOTS, rate_rps, told.hold_s),
        arrivals_s=fmean(exact_s[number] for number in measured),
    )


async def _observe(generator: Generator, url: str, duration_s: float) -> Told:
    clock = asyncio.get_running_loop().time
    zero_s = clock() + _LEAD_S
    await generator.begin(zero_s)
    async with aiohttp.ClientSession() as session:
        await asyncio.sleep(zero_s + WARMUP_S - clock())
        before = await _sums(session, url)
        await generator.wait(timeout_s=duration_s + _DEADLINE_S + _GRACE_S)
        after = await _sums(session, url)
    means = {
        name: (after[total] - before[total]) / max(1.0, after[count] - before[count])
        for name, (total, count) in _METRICS.items()
    }
    return Told(wait_s=means["wait"], hold_s=means["hold"])


async def _sums(session: aiohttp.ClientSession, url: str) -> dict[str, float]:
    wanted = {name for names in _METRICS.values() for name in names}
    async with session.get(url, raise_for_status=True) as response:
        samples = split(await response.text())
    return {name: float(value) for name, labels, value in samples if name in wanted and 'resource="slots"' in labels}


def _environment(load: Load) -> dict[str, dict[str, str]]:
    return {
        "*": {"RULEZERO_SEED": str(load.seed), "RULEZERO_DEFENCES_FILE": ""},
        SERVICE: {
            "RULEZERO_SLOTS": str(SLOTS),
            "RULEZERO_SERVICE_S": str(SERVICE_S),
            "RULEZERO_SERVICE_CV": f"{load.cv:g}",
        },
    }
