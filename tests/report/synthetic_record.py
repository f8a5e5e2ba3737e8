"""A seeded, plausible record: payment hangs for ten seconds, without defences and with a timeout and a breaker."""

import json
import random
from pathlib import Path
from typing import Any

import polars as pl

from rulezero.analysis.breakers import breakers
from rulezero.analysis.budget import budget
from rulezero.analysis.figures import arm_figures
from rulezero.analysis.metastability import longest_timeout_s, state
from rulezero.record import TABLES, Record

WINDOWS: list[Any] = [["warmup", 0.0, 3.0], ["baseline", 3.0, 10.0], ["fault", 10.0, 20.0], ["hold", 20.0, 32.0]]
BROWSE_RPS, CHECKOUT_RPS = 60.0, 40.0
ARMS = ("none", "circuit_breaker")
LINKS = {"edge-checkout": "checkout", "checkout-payment": "checkout", "edge-catalog-1": "browse"}
TRACED_SHARE = 0.02


def synthetic_record(folder: Path, *, seed: int = 1, arms: tuple[str, ...] = ARMS) -> Record:
    """Return a record that was never run."""
    draw = random.Random(seed)
    manifest = _manifest(seed, arms)
    rows = pl.concat([_rows(arm, random.Random(seed)) for arm in arms])
    metrics = pl.concat([_metrics(arm, rows.filter(pl.col("arm") == arm)) for arm in arms])
    spans = pl.DataFrame(
        [span for row in rows.filter(pl.col("trace_id") != "").iter_rows(named=True) for span in _spans(row, draw)],
        schema={"arm": pl.String, **TABLES["spans"][1]},
    )
    generator = pl.DataFrame(schema={"arm": pl.String, **TABLES["generator"][1]})
    return Record(
        folder=folder, manifest=manifest, rows=rows, metrics=metrics, spans=spans, generator=generator,
        verdict=_verdict(manifest, rows, metrics),
    )  # fmt: skip


def _manifest(seed: int, arms: tuple[str, ...]) -> dict[str, Any]:
    streams = [
        {"route": "browse", "rate_rps": BROWSE_RPS, "deadline_s": 1.0, "keys": {}, "crosses": ["edge-catalog-1"]},
        {"route": "checkout", "rate_rps": CHECKOUT_RPS, "deadline_s": 1.0, "keys": {},
         "crosses": ["edge-checkout", "checkout-payment"]},
    ]  # fmt: skip
    faults = [
        {"text": "timeout on checkout-payment", "kind": "toxic", "start_s": 10.1, "end_s": 20.05, "arm": arm}
        for arm in arms
    ]
    return {
        "rulezero": "0.1.0", "experiment": "cascading_failure", "seed": seed, "control": "none", "interrupted": False,
        "question": "Does a hanging payment service take the healthy browse route down with it?",
        "prediction": "Without defences the shared pool of 64 slots is gone after 64 / 40 = 1.6 s.",
        "started_at": "2026-11-22T13:00:00+00:00", "windows": WINDOWS, "streams": streams, "bursts": [],
        "arms": [{"name": arm, "defences": [] if arm == "none" else ["timeout", arm], "ledger": {}} for arm in arms],
        "faults": faults, "processes": ["edge", "checkout"], "exits": [],
        "host": {"cores": 2, "python": "3.11.7", "platform": "linux"}, "versions": {"postgresql": "16.4"},
        "reproduce": f"rulezero run cascading_failure --arms {','.join(arms)} --seed {seed}",
    }  # fmt: skip


def _rows(arm: str, draw: random.Random) -> pl.DataFrame:
    rows, at_s = [], 0.0
    while (at_s := at_s + draw.expovariate(BROWSE_RPS + CHECKOUT_RPS)) < 32:
        route = "checkout" if draw.random() < CHECKOUT_RPS / (BROWSE_RPS + CHECKOUT_RPS) else "browse"
        outcome, latency_ms, status = _answer(arm, route, at_s, draw)
        phase = next(name for name, _, end_s in WINDOWS if at_s < end_s)
        trace_id = f"{draw.getrandbits(128):032x}" if draw.random() < TRACED_SHARE else ""
        rows.append((arm, at_s, at_s + 0.001, latency_ms, route, 1, "normal", phase, outcome, status, 1, "", trace_id,
                     "stream"))  # fmt: skip
    return pl.DataFrame(rows, schema={"arm": pl.String, **TABLES["rows"][1]}, orient="row")


def _answer(arm: str, route: str, at_s: float, draw: random.Random) -> tuple[str, float, int]:
    """Return outcome, latency in ms and status of a request."""
    quick_ms = draw.lognormvariate(3.4 if route == "browse" else 4.2, 0.4)
    if not 10.1 <= at_s < (24.0 if arm == "none" else 20.5):
        return "ok", quick_ms, 200
    if arm == "none" and (route == "checkout" or at_s > 11.7):
        return ("timeout", 2000.0, 0) if draw.random() < 0.8 else ("ok", draw.uniform(900, 1900), 200)
    if route == "checkout":
        return ("timeout", 350.0, 504) if at_s < 10.8 else ("not_sent", quick_ms / 4, 503)
    return "ok", quick_ms * 1.2, 200


def _metrics(arm: str, rows: pl.DataFrame) -> pl.DataFrame:
    samples: list[tuple[Any, ...]] = []
    for second in range(1, 33):
        so_far = rows.filter(pl.col("intended_s") < second)
        for link, route in LINKS.items():
            crossed = so_far.filter((pl.col("route") == route) & (pl.col("outcome") != "not_sent")).height
            labels = f'dependency="x",link="{link}",attempt="first"'
            samples.append((arm, second + 0.01, "edge", "dependency_attempts_total", labels, float(crossed)))
        refused = so_far.filter(pl.col("outcome") == "not_sent").height
        if arm != "none":
            for decision, count in (("refused", refused), ("allowed", so_far.height - refused)):
                labels = f'family="call",defence="circuit_breaker",decision="{decision}",dependency="payment"'
                samples.append((arm, second + 0.01, "checkout", "defence_decisions_total", labels, float(count)))
            state = 0.0 if not 10 < second < 21 else 1.0 if second % 5 == 0 else 2.0
            samples.append((arm, second + 0.01, "checkout", "circuit_breaker_state", 'dependency="payment"', state))
    return pl.DataFrame(samples, schema={"arm": pl.String, **TABLES["metrics"][1]}, orient="row")


def _spans(row: dict[str, Any], draw: random.Random) -> list[dict[str, Any]]:
    names = [("edge", f"GET /{row['route']}", "server"), ("edge", "POST checkout", "client"),
             ("checkout", "POST /orders", "server"), ("checkout", "POST payment", "client")]  # fmt: skip
    failed = row["outcome"] != "ok"
    attributes = json.dumps({"defence.circuit_breaker.decision": "refused"} if row["outcome"] == "not_sent" else {})
    spans, parent, start_s, duration_ms = [], "", row["sent_s"], row["latency_ms"]
    for service, name, kind in names if row["route"] == "checkout" else names[:1]:
        span_id = f"{draw.getrandbits(64):016x}"
        spans.append({
            "arm": row["arm"], "trace_id": row["trace_id"], "span_id": span_id, "parent_id": parent, "kind": kind,
            "service": service, "name": name, "start_s": start_s, "duration_ms": duration_ms,
            "status": "error" if failed else "ok", "attributes": attributes,
        })  # fmt: skip
        parent, start_s, duration_ms = span_id, start_s + duration_ms / 8000, duration_ms * 0.7
    return spans


def _verdict(manifest: dict[str, Any], rows: pl.DataFrame, metrics: pl.DataFrame) -> dict[str, Any]:
    figures = []
    for arm in manifest["arms"]:
        only = pl.col("arm") == arm["name"]
        measured = arm_figures(rows.filter(only), metrics.filter(only), manifest, arm)
        measured["budget"] = budget(measured, measured["lengths_s"], 0.99)
        measured["state"] = state(measured, timeout_s=longest_timeout_s(manifest))
        control = arm["name"] == "none"
        pool = {"name": "pool_exhaustion_s", "formula": "slots / hanging rate", "predicted": 1.6, "measured": 1.71,
                "band": 0.25, "within": True}  # fmt: skip
        ledger = {"orders": 812, "charges": 812, "duplicate_charges": 0}
        figures.append({**measured, "effect": "control" if control else "better", "ledger": ledger,
                        "predictions": [pool] if control else [],
                        "breakers": breakers(metrics.filter(only))})  # fmt: skip
    return {
        "schema_version": 1, "experiment": manifest["experiment"], "question": manifest["question"],
        "prediction": manifest["prediction"], "seed": manifest["seed"], "valid": True, "invalid_reasons": [],
        "verdict": "supported", "control": "none", "best_arm": "circuit_breaker", "arms": figures,
        "summary": "Without defences browsing fell with checkout; with the breaker it kept 100 % of its goodput.",
        "checks": [{"held": True, "control": True, "text": "none kept 14 % of its baseline goodput (at most 50 %)"},
                   {"held": True, "control": False, "text": "circuit_breaker kept 98 % in the hold (at least 90 %)"}],
        "validity": [{"name": "cores_busy", "arm": arm["name"], "measured": 0.81, "limit": 1.5, "ok": True,
                      "text": "0.81 of 2 cores were busy (limit 1.5)"} for arm in manifest["arms"]],
        "traces": [], "reproduce": manifest["reproduce"],
    }  # fmt: skip
