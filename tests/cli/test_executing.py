"""One experiment from start to report: a record whatever happens, and no place for a wrong word about the disk."""

import asyncio
import errno
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rulezero.checkout import choose_arms, fingerprint, load_experiment
from rulezero.cli import executing
from rulezero.cli.executing import Request, conclude, draw, execute
from rulezero.cli.targets import COMPOSE
from rulezero.errors import Problem, StorageProblem, UsageProblem
from rulezero.lab.proxies import reach_loopback_directly
from rulezero.record import read_record
from tests.cli.recorded import write_record
from tests.collect.grafana_server import FakeGrafana, serving
from tests.report.synthetic_record import synthetic_record

Act = Callable[..., Awaitable[None]]


def request(out: Path, *arms: str, name: str = "cascading_failure") -> Request:
    experiment = load_experiment(name)
    return Request(
        experiment=experiment, arms=choose_arms(experiment, arms), seed=1, out=out, console=Console(), quiet=True
    )


def measured_by(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    """Put something else in the place of the lab and the load."""
    monkeypatch.setattr(executing, "_measure", act)
    monkeypatch.setattr(executing, "make_plan", lambda _: None)


def raising(error: BaseException) -> Act:
    async def act(*_: Any) -> None:
        raise error

    return act


def the_record(out: Path) -> Any:
    (folder,) = out.iterdir()
    return read_record(folder)


@pytest.mark.parametrize("name", ["cascading_failure", "thundering_herd"])
@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (Problem("the lab did not start; see its log"), Problem),
        (asyncio.CancelledError(), KeyboardInterrupt),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, "No space left on device", "rows.csv"), StorageProblem),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), ConnectionResetError),
        (TimeoutError(), TimeoutError),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
def test_whatever_ends_a_run_leaves_a_record_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException, seen: type[BaseException]
) -> None:
    """Marked invalid, with reports; only the disk's own errors are told as the disk's."""
    measured_by(monkeypatch, raising(error))
    with pytest.raises(seen) as raised:
        execute(request(tmp_path, name=name))
    if seen is StorageProblem:
        assert str(raised.value) == "rows.csv: No space left on device; free some space or choose another --out"
    record = the_record(tmp_path)
    assert record.manifest["interrupted"] is True
    assert record.manifest["definition"] == fingerprint(name)
    assert (record.verdict["valid"], record.verdict["verdict"]) == (False, "unknown")
    assert {"verdict.json", "report.html", "report.md"} <= {path.name for path in record.folder.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_that_end_a_program_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """A closed terminal and `kill` are like Ctrl-C: everything is tidied up first."""
    tidied: list[str] = []

    async def act(*_: Any) -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            tidied.append("up")

    measured_by(monkeypatch, act)
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        execute(request(tmp_path))
    assert tidied == ["up"]
    assert signal.getsignal(number) == before
    assert the_record(tmp_path).manifest["interrupted"] is True


def test_what_is_missing_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not there leaves no empty record."""

    def lacking(_: object) -> None:
        raise UsageProblem("no PostgreSQL; install it")

    monkeypatch.setattr(executing, "make_plan", lacking)
    with pytest.raises(UsageProblem, match="no PostgreSQL; install it"):
        execute(request(tmp_path / "runs"))
    assert list(tmp_path.iterdir()) == []


def test_containers_that_are_not_up_leave_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a second Prometheus beside theirs is refused."""

    async def down(_: object) -> None:
        raise UsageProblem("containers are not up: edge; start them with `make up`")

    monkeypatch.setattr(executing, "require_containers", down)
    asked = replace(request(tmp_path / "runs"), target=COMPOSE)
    with pytest.raises(UsageProblem, match="start them with `make up`"):
        execute(asked)
    with pytest.raises(UsageProblem, match="leave --prometheus out"):
        execute(replace(asked, prometheus=True))
    assert list(tmp_path.iterdir()) == []


def test_a_record_says_where_its_system_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to run it there again."""

    async def up(_: object) -> None:
        return None

    monkeypatch.setattr(executing, "require_containers", up)
    measured_by(monkeypatch, raising(Problem("that is all")))
    with pytest.raises(Problem, match="that is all"):
        execute(replace(request(tmp_path), target=COMPOSE))
    manifest = the_record(tmp_path).manifest
    assert manifest["target"] == "compose"
    assert manifest["reproduce"].endswith(" --target compose")


def test_a_record_that_could_not_be_begun_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a record that `report` could not read would only be in the way; other records stay."""

    def begin(*_: Any, folder: Path, **__: Any) -> None:
        (folder / "logs").mkdir()
        raise StorageProblem("manifest.json: No space left on device; free some space")

    measured_by(monkeypatch, raising(AssertionError("must not start")))
    monkeypatch.setattr(executing, "begin_run", begin)
    (tmp_path / "earlier").mkdir()
    with pytest.raises(StorageProblem, match="free some space"):
        execute(request(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["earlier"]


def test_a_page_is_drawn_apart_from_the_verdict(tmp_path: Path) -> None:
    """Verdict and report.md come first; the page only when it is asked for."""
    folder = write_record(tmp_path / "run")
    record = conclude(read_record(folder), load_experiment("cascading_failure"))
    assert (folder / "report.md").exists()
    assert not (folder / "report.html").exists()
    assert read_record(folder).verdict == record.verdict
    assert draw(record) == folder / "report.html"
    assert record.verdict["question"] in (folder / "report.html").read_text(encoding="utf-8")


def test_a_run_that_went_through_is_judged_and_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked for it may have more to measure."""

    async def act(*_: Any) -> None:
        pass

    measured_by(monkeypatch, act)
    folder, verdict = execute(request(tmp_path))
    assert read_record(folder).verdict == verdict
    names = {path.name for path in folder.iterdir()}
    assert {"verdict.json", "report.md"} <= names
    assert "report.html" not in names


def test_a_place_that_takes_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told before the lab starts."""
    measured_by(monkeypatch, raising(AssertionError("must not start")))
    (tmp_path / "runs").write_text("x", encoding="utf-8")
    with pytest.raises(StorageProblem, match="choose another --out"):
        execute(request(tmp_path / "runs"))


@pytest.mark.wall_clock
@pytest.mark.parametrize(("status", "said"), [(200, ""), (403, "predictions are in the report alone")])
def test_predictions_are_marked_on_a_grafana_that_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    """A mark for each arm that has some; one that refuses is told, and the verdict stays what it is."""

    async def nothing(*_: Any) -> None:
        pass

    reach_loopback_directly()
    record = synthetic_record(tmp_path / "judged")
    measured_by(monkeypatch, nothing)
    with serving(FakeGrafana()) as fake:
        fake.status = status
        arms = [{**arm, "began_at_s": 1_795_000_000.0} for arm in record.manifest["arms"]]
        shown = replace(record, manifest={**record.manifest, "grafana": fake.url, "arms": arms})
        monkeypatch.setattr(executing, "conclude", lambda *_: shown)
        _, verdict = execute(request(tmp_path / "run"))
    predicting = [arm["name"] for arm in record.verdict["arms"] if arm["predictions"]]
    assert predicting
    assert [one["tags"][3] for one in fake.annotations.values()] == (predicting if status == 200 else [])
    assert said in " ".join(capsys.readouterr().out.split())
    assert verdict == record.verdict
