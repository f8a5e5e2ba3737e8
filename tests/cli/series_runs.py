"""Runs of a series that nobody ran: each leaves a record in the series' folder, and the figures that it is given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulezero.cli.executing import Request
from rulezero.record import TABLES, write_json
from tests.analysis.records import record

Verdict = Callable[[Request, int], dict[str, Any]]


class Runs:
    """Takes the place of `execute`; `requests` are those it got, `verdict` says what came out of each."""

    def __init__(self, verdict: Verdict) -> None:
        self.requests: list[Request] = []
        self.verdict = verdict
        self.stop_at: int | None = None

    def execute(self, request: Request) -> tuple[Path, dict[str, Any]]:
        """Leave a record and return its verdict; the run `stop_at` is stopped by the user."""
        number = len(self.requests)
        if number == self.stop_at:
            self.stop_at = None
            raise KeyboardInterrupt
        self.requests.append(request)
        folder = request.out / f"record-{number}"
        folder.mkdir()
        names = [arm.name for arm in request.arms]
        left = record({name: range(0) for name in names}, control=request.experiment.control.name)
        verdict = {"valid": True, "invalid_reasons": [], "validity": [], "arms": [], **self.verdict(request, number)}
        write_json(folder / "manifest.json", left.manifest)
        write_json(folder / "verdict.json", verdict)
        for table in TABLES:
            getattr(left, table).write_parquet(folder / f"{table}.parquet")
        return folder, verdict


def installed(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> Runs:
    """Put runs with these verdicts in the place of real ones."""
    runs = Runs(verdict)
    monkeypatch.setattr("rulezero.cli.measuring.execute", runs.execute)
    monkeypatch.setattr("rulezero.cli.measuring.require", lambda _: None)
    monkeypatch.setattr("rulezero.cli.measuring.measured", lambda _: {})
    return runs


def the_series(out: Path) -> Path:
    """Return the only folder there."""
    (folder,) = out.iterdir()
    return folder
