"""The record of a run: its manifest, its text while it runs, its columns, its verdict."""

import json
import shutil
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from campaigns.fuzz import odd
from campaigns.fuzz.target import Target
from experiments.cascading_failure import EXPERIMENT
from rulezero.analysis.judge import judge
from rulezero.cli.executing import conclude, draw
from rulezero.outcome import Outcome
from rulezero.record import TABLES, finish, read_record, write_json
from rulezero.runner.manifest import arm_entry, new_manifest

_ARM = "none"
_DRAWN_SHARE = 0.03  # Drawing a page takes a hundred times as long as all else.
_ROWS_PER_S = 4


class RecordFolder(Target):
    """A record, in columns or still in text, with one of its files spoilt; then judged and reported on."""

    name, share = "record", 8

    def __enter__(self) -> Self:
        self._whole = [_write(self._folder / "text", done=False), _write(self._folder / "columns", done=True)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for whole in self._whole:
            shutil.rmtree(whole)

    def attempt(self, random: Random) -> bool:
        """Spoil a file of a copy, read, judge, report."""
        folder = self._folder / "record"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(random.choice(self._whole), folder)
        _spoil(random, folder)
        record = conclude(read_record(folder), EXPERIMENT)
        if random.random() < _DRAWN_SHARE:
            draw(record)
        return True


def _spoil(random: Random, folder: Path) -> None:
    # The manifest is what a hand changes most, so it has its half.
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = folder / "manifest.json" if random.random() < 0.5 else random.choice(files)
    kind = random.randrange(10)
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.unlink()
        path.mkdir()
    elif path.suffix == ".json" and kind < 8:
        path.write_text(json.dumps(odd.changed(random, json.loads(path.read_bytes()))), encoding="utf-8")
    else:
        path.write_bytes(odd.spoilt_bytes(random, path.read_bytes()))


def _write(folder: Path, *, done: bool) -> Path:
    raw = folder / "raw" / _ARM
    raw.mkdir(parents=True)
    manifest = new_manifest(EXPERIMENT, EXPERIMENT.arms[:1], 1, ["edge"])
    manifest["arms"].append(arm_entry(EXPERIMENT.arms[0]))
    manifest["arms"][0] |= {"origin_total": 7, "origin_operation": "load_item", "ledger": {"orders": 3}}
    manifest["faults"].append({"arm": _ARM, "text": "it hangs", "kind": "toxic", "start_s": 10.0, "end_s": 20.0})
    manifest["exits"].append({"arm": _ARM, "part": "edge", "status": "exit status 1", "log_tail": "boom"})
    manifest["bursts"].append({"route": "browse", "at_s": 1.0, "count": 5, "key": 1, "deadline_s": 1.0})
    manifest["interrupted"] = False
    write_json(folder / "manifest.json", manifest)
    tables = {"rows": _rows(), "metrics": _metrics(), "spans": [], "generator": _generator()}
    for table, (file, schema) in TABLES.items():
        separator = "\t" if file.endswith(".tsv") else ","
        lines = [separator.join(str(one) for one in line) for line in [list(schema), *tables[table]]]
        (raw / file).write_text(_spans() if table == "spans" else "\n".join(lines) + "\n", encoding="utf-8")
    if done:
        finish(folder)
        write_json(folder / "verdict.json", judge(read_record(folder), EXPERIMENT))
    return folder


def _rows() -> list[list[Any]]:
    rows: list[list[Any]] = []
    for phase, start_s, end_s in EXPERIMENT.durations.windows():
        for number in range(int((end_s - start_s) * _ROWS_PER_S)):
            at_s = start_s + number / _ROWS_PER_S
            outcome = Outcome.TIMEOUT if phase == "fault" and number % 2 else Outcome.OK
            route = "browse" if number % 3 else "checkout"
            rows.append(
                [at_s, at_s, 20.0, route, 3, "normal", phase, outcome.value, 200, 1, f"{number:032x}", "", "stream"]
            )
    return rows


def _metrics() -> list[list[Any]]:
    seconds = range(int(EXPERIMENT.durations.total_s))
    counter = 'link="checkout-payment",outcome="ok"'
    return [
        line
        for second in seconds
        for line in (
            [second, "edge", "event_loop_lag_seconds", "", 0.002],
            [second, "machine", "machine_cores_busy", "", 0.5],
            [second, "machine", "machine_process_cores", 'part="edge"', 0.2],
            [second, "checkout", "dependency_outcomes_total", counter, float(second)],
            [second, "edge", "dependency_attempts_total", 'link="edge-checkout"', float(second)],
        )
    ]


def _generator() -> list[list[Any]]:
    seconds = range(int(EXPERIMENT.durations.total_s))
    return [[second, second * _ROWS_PER_S, second * _ROWS_PER_S, 0, 1, 0.5, 0.1] for second in seconds]


def _spans() -> str:
    span = {
        "trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "1", "parent_id": "", "service": "edge", "name": "GET /",
        "kind": "server", "start_s": 1.0, "duration_ms": 5.0, "status": "ok", "attributes": "{}",
    }  # fmt: skip
    return json.dumps(span) + "\n"
