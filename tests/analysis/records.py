"""Records small enough to judge by hand, and the verdict on them, held against its schema."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import polars as pl

import rulezero
from rulezero.analysis.judge import judge
from rulezero.checks import control_fails, keeps_goodput
from rulezero.experiment import Arm, Durations, Experiment, Prediction, Stream
from rulezero.faults import CacheExpiry, Signature
from rulezero.record import TABLES, Record
from tests.analysis.frames import generator, manifest, metrics, sample, spans, steady

SCHEMA = json.loads((Path(rulezero.__file__).parent / "verdict.schema.json").read_text(encoding="utf-8"))
FAULT = CacheExpiry(key="item:1", at_s=(0.0,), signature=Signature(metric="cache_loads_total", increase_min=1))


def prediction(predicted: float | None, measured: float | None, *, arm: str = "none", band: float = 0.25) -> Prediction:
    return Prediction(
        arm=arm, name="loads", formula="1 + 1", predicted=lambda _: predicted, measured=lambda _: measured, band=band
    )


def experiment(**changes: Any) -> Experiment:
    parts: dict[str, Any] = {
        "name": "sample",
        "question": "Does it break?",
        "prediction": "Yes.",
        "streams": (Stream(route="browse", rate_rps=4), Stream(route="checkout", rate_rps=4)),
        "arms": (Arm(name="none"), Arm(name="all", preset="all")),
        "demo_arms": ("none", "all"),
        "faults": (FAULT,),
        "checks": (
            control_fails("none", phase="fault", at_most=0.5),
            keeps_goodput("all", phase="hold", at_least=0.9),
        ),
        "durations": Durations(warmup_s=1, baseline_s=4, fault_s=4, hold_s=10),
    }
    return Experiment(**parts | changes)


def samples() -> list[dict[str, Any]]:
    """Return nineteen quiet seconds with one load in the fault."""
    seen = []
    for second in range(1, 20):
        at_s = second - 0.3
        seen += [sample(at_s, "event_loop_lag_seconds", 0.002, process=name) for name in ("edge", "catalog-1")]
        seen.append(sample(at_s, "machine_cores_busy", 0.8, process="machine"))
        seen.append(sample(at_s, "machine_process_cores", 0.3, 'part="edge"', process="machine"))
        seen.append(sample(at_s, "cache_loads_total", float(at_s > 5)))
    return seen


def expired(*arms: str) -> list[dict[str, Any]]:
    """Return what the manifest says of the one expiry, for each arm."""
    return [{"arm": arm, "kind": "expiry", "text": "item:1 expires", "start_s": 5.0, "end_s": None} for arm in arms]


def record(
    bad: dict[str, range] | None = None, *, drop: pl.Expr | None = None, without_spans: bool = False, **changes: Any
) -> Record:
    """Return a record; `bad` has the arms that ran and the seconds in which each one's requests time out."""
    bad = {"none": range(5, 14), "all": range(0)} if bad is None else bad
    requests = pl.DataFrame(
        [{**one, "arm": arm} for arm, seconds in bad.items() for one in steady(bad=seconds)],
        schema={"arm": pl.String, **TABLES["rows"][1]},
    )
    arms = [{"name": arm, "defences": []} for arm in bad]
    scraped = metrics(*samples())
    return Record(
        folder=Path("runs/sample"),
        manifest=manifest(**{"arms": arms, "faults": expired(*bad)} | changes),
        rows=requests if drop is None else requests.filter(~drop),
        metrics=pl.concat([scraped.with_columns(pl.lit(arm).alias("arm")) for arm in bad] or [metrics()]),
        spans=pl.concat([spans(0 if without_spans else 1, arm=arm) for arm in bad] or [spans(0)]),
        generator=pl.concat([generator(76, arm=arm) for arm in bad] or [generator(1).clear()]),
        verdict={},
    )


def judged(*arguments: Any, on: Experiment | None = None, **changes: Any) -> dict[str, Any]:
    """Return the verdict, after it went through its file and was held against its schema."""
    verdict = judge(record(*arguments, **changes), on or experiment())
    written: dict[str, Any] = json.loads(orjson.dumps(verdict))
    jsonschema.validate(written, SCHEMA)
    assert written == verdict, "what is in memory is what is in the file"
    return written
