"""Verdicts that no run was made for, in the place of `execute` for the verbs that run a series."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulezero.cli.executing import Request

# What an arm keeps of its goodput in a run, and its yardstick; None: this run is invalid.
Value = Callable[[str, int], tuple[float, float | None] | None]


def figures(name: str, share: float, yardstick: float | None) -> dict[str, Any]:
    """Return what a verdict says of an arm that keeps this share of its goodput."""
    phases = ("baseline", "fault", "hold")
    return {
        "name": name,
        "offered_rps": dict.fromkeys(phases, 100.0),
        "goodput_rps": {"baseline": 100.0, "fault": 100.0 * share, "hold": 100.0 * share},
        "outcomes": {phase: {"ok": 1000} for phase in phases},
        "latency_ms": {phase: {"p50": 10.0, "p99": 50.0 + share} for phase in phases},
        "lengths_s": dict.fromkeys(phases, 10.0),
        "recovery_s": None,
        "attempts_per_request": {"edge-catalog": dict.fromkeys(phases, 1.0)},
        "origin_loads": None,
        "dead_work": {},
        "budget": {"burnt": 100 * (1 - share)},
        "not_exercised": [],
        "yardstick": yardstick,
    }


class Executed:
    """The requests that were made, and the verdicts that they ended with."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.requests: list[Request] = []
        self.interrupt_at: int | None = None

    def __call__(self, request: Request) -> tuple[Path, dict[str, Any]]:
        if len(self.requests) == self.interrupt_at:
            self.interrupt_at = None
            raise KeyboardInterrupt
        self.requests.append(request)
        count = len(self.requests)
        found = {arm.name: self.value(arm.name, count) for arm in request.arms}
        valid = None not in found.values()
        folder = request.out / f"record-{count}"
        folder.mkdir()
        return folder, {
            "valid": valid,
            "invalid_reasons": [] if valid else ["none: the control did not fail\nand more"],
            "arms": [figures(name, *(each or (1.0, None))) for name, each in found.items()],
        }

    def orders(self) -> list[list[str]]:
        return [[arm.name for arm in request.arms] for request in self.requests]

    def seeds(self) -> list[int]:
        return [request.seed for request in self.requests]


def install(monkeypatch: pytest.MonkeyPatch, value: Value) -> Executed:
    """Have every run end with these values at once."""
    executed = Executed(value)
    monkeypatch.setattr("rulezero.cli.measuring.execute", executed)
    monkeypatch.setattr("rulezero.cli.measuring.require", lambda _: None)
    return executed


def steady(**shares: float) -> Value:
    """Return arms that keep these shares with a little noise that differs by arm and run."""
    return lambda name, count: (shares[name] + 0.001 * ((count * (3 + len(name))) % 5), None)


def series_folder(out: Path, kind: str) -> Path:
    """Return the folder of the only series of a verb."""
    (folder,) = out.glob(f"*-{kind}-*")
    return folder
