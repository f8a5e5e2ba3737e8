"""rulezero sweep: which points are run and how, what is left behind, and how one goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rulezero.cli import main
from rulezero.cli.executing import Request
from rulezero.errors import EXIT_INTERRUPTED, EXIT_USAGE
from tests.cli.made_verdicts import figures

Captured = pytest.CaptureFixture[str]
SWEEP = ("sweep", "retry_storm", "--vary", "load=0.3,0.5,0.95", "--vary", "stall_s=1,10", "--quiet")


class Executed:
    """Takes the place of `execute`: below a load of 0.5 the system comes back after a second, else never."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.interrupt_at: int | None = None
        self.invalid: set[int] = set()

    def __call__(self, request: Request) -> tuple[Path, dict[str, Any]]:
        if len(self.requests) == self.interrupt_at:
            self.interrupt_at = None
            raise KeyboardInterrupt
        self.requests.append(request)
        count = len(self.requests)
        folder = request.out / f"record-{count}"
        folder.mkdir()
        hold_s = request.experiment.durations.hold_s
        back = request.experiment.variant["load"] < 0.5
        arm = {**figures(request.arms[0].name, 0.2, None), "recovery_s": 1.0 if back else None}
        arm["lengths_s"] = {**arm["lengths_s"], "hold": hold_s}
        valid = count not in self.invalid
        return folder, {"valid": valid, "invalid_reasons": [] if valid else ["no cores\nleft"], "arms": [arm]}

    def points(self) -> list[tuple[float, ...]]:
        return [tuple(request.experiment.variant.values()) for request in self.requests]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> Executed:
    """Return what is run in place of the system."""
    runs = Executed()
    monkeypatch.setattr("rulezero.cli.measuring.execute", runs)
    monkeypatch.setattr("rulezero.cli.measuring.require", lambda _: None)
    return runs


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., int]:
    """Return what runs the sweep, with more options."""
    return lambda *more: main([*SWEEP, "--out", str(tmp_path), *more])


def found(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    return read


def the_sweep(out: Path) -> Path:
    (folder,) = out.iterdir()
    return folder


def test_each_point_is_a_run_of_one_arm(executed: Executed, sweep: Callable[..., int], tmp_path: Path) -> None:
    """It is the control of its run, and nothing is claimed of it; corners come first."""
    assert sweep("--arm", "no_retry", "--seed", "7") == 0
    corners = {(0.3, 1.0), (0.3, 10.0), (0.95, 1.0), (0.95, 10.0)}
    assert set(executed.points()[:4]) == corners
    assert len(set(executed.points())) == len(executed.points()) == 6
    for request in executed.requests:
        assert [arm.name for arm in request.arms] == ["no_retry"]
        assert request.experiment.control.name == "no_retry"
        assert request.experiment.checks == ()
        assert (request.seed, request.out) == (7, the_sweep(tmp_path))


def test_what_is_left_behind(executed: Executed, sweep: Callable[..., int], tmp_path: Path, capsys: Captured) -> None:
    """The series, what was found, and the map as a page and as pictures; the grid on the terminal."""
    assert sweep() == 0
    folder = the_sweep(tmp_path)
    assert len(executed.requests) == 6
    names = {path.name for path in folder.iterdir() if path.is_file()}
    assert names == {"series.json", "sweep.json", "report.md", "report.html", "map.svg", "map.png"}
    assert found(folder)["agreement"]["as_predicted"] == 6
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")
    told = capsys.readouterr().out
    assert "2 recovered, 4 metastable; 6 of 6 points as predicted" in " ".join(told.split())
    assert str(folder / "report.html") in told


def test_holds_suit_what_is_predicted(executed: Executed, sweep: Callable[..., int]) -> None:
    """Long where it takes long to come back, bounded where it never does."""
    sweep()
    holds = {tuple(one.experiment.variant.values()): one.experiment.durations.hold_s for one in executed.requests}
    assert holds[0.3, 1.0] == 12
    assert holds[0.3, 10.0] > 25
    assert holds[0.95, 10.0] == 40


def test_an_interrupted_sweep_goes_on(executed: Executed, sweep: Callable[..., int], tmp_path: Path) -> None:
    """With the points that are missing, and with the arm, the points and the seed that it began with."""
    executed.interrupt_at = 4
    assert sweep("--seed", "3") == EXIT_INTERRUPTED
    folder = the_sweep(tmp_path)
    states = [point["state"] for point in found(folder)["points"]]
    assert states.count("not run") == 2
    assert (folder / "map.svg").exists()
    before = executed.points()
    assert main(["sweep", "--resume", str(folder), "--quiet"]) == 0
    assert len(executed.points()) == 6
    assert not set(before) & set(executed.points()[4:])
    assert {request.seed for request in executed.requests} == {3}
    assert "not run" not in [point["state"] for point in found(folder)["points"]]
    assert main(["sweep", "retry_storm", "--resume", str(folder), "--quiet"]) == 0
    assert len(executed.points()) == 6


def test_an_invalid_point_is_repeated_once(executed: Executed, sweep: Callable[..., int], tmp_path: Path) -> None:
    """With another seed; then it is drawn as invalid, and the exit status says that something is missing."""
    executed.invalid = {1, 3, 4}
    assert sweep() == 2
    assert executed.points()[0] == executed.points()[1]
    assert [request.seed for request in executed.requests] == [1, 2, 1, 2, 1, 1, 1, 1]
    told = found(the_sweep(tmp_path))
    assert [point["state"] for point in told["points"]].count("invalid") == 1
    assert told["seeds"] == [1, 2]
    assert "no cores" in (the_sweep(tmp_path) / "report.md").read_text(encoding="utf-8")


def test_the_report_is_made_again(executed: Executed, sweep: Callable[..., int], tmp_path: Path) -> None:
    """From the series alone, the same to the byte; nothing is run."""
    sweep()
    folder = the_sweep(tmp_path)
    names = ("sweep.json", "report.md", "report.html", "map.svg", "map.png")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    count = len(executed.requests)
    assert main(["report", str(folder)]) == 0
    assert {name: (folder / name).read_bytes() for name in names} == before
    assert len(executed.requests) == count


def test_json(executed: Executed, sweep: Callable[..., int], tmp_path: Path, capsys: Captured) -> None:
    """What is in sweep.json and nothing else; the command line in it asks for the same points again."""
    sweep("--json")
    told = json.loads(capsys.readouterr().out)
    assert told == found(the_sweep(tmp_path))
    count = len(executed.requests)
    again = tmp_path / "again"
    main([*told["reproduce"].split()[1:], "--quiet", "--out", str(again)])
    assert executed.points()[count:] == executed.points()[:count]


def test_one_parameter(executed: Executed, tmp_path: Path, capsys: Captured) -> None:
    """The other one stays as the experiment has it; points are told as they come."""
    assert main(["sweep", "retry_storm", "--vary", "load=0.3..0.9", "--steps", "3", "--out", str(tmp_path)]) == 0
    assert executed.points() == [(0.3,), (0.9,), (0.6,)]
    assert {request.experiment.durations.fault_s for request in executed.requests} == {2.0}
    assert "1 of 3: load 0.3: recovered after 1 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "a sweep needs an experiment"),
        (("retry_storm",), "a sweep needs one or two --vary"),
        (("retry_storm", "--vary", "load=2"), "load must lie between 0.3 and 0.95"),
        (("retry_storm", "--vary", "load=0.5", "--arm", "nun"), "retry_storm has no arm 'nun'"),
        (("thundering_herd", "--vary", "load=0.5"), "thundering_herd has nothing that can be varied"),
        (("--resume", "no/such"), "no/such is no series"),
        (("--resume", "no/such", "--vary", "load=0.5"), "leave --arm and --vary out"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], told: str, tmp_path: Path, capsys: Captured) -> None:
    """One line, and nothing is begun."""
    assert main(["sweep", *arguments, "--out", str(tmp_path)]) == EXIT_USAGE
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_changed_experiment(executed: Executed, sweep: Callable[..., int], tmp_path: Path, capsys: Captured) -> None:
    """Points of two definitions make no map: going on is refused, and nothing is run."""
    sweep()
    count, series = len(executed.requests), the_sweep(tmp_path) / "series.json"
    asked = json.loads(series.read_bytes())
    asked["asked"]["definition"] = "0" * 64
    series.write_text(json.dumps(asked), encoding="utf-8")
    assert main(["sweep", "--resume", str(the_sweep(tmp_path))]) == EXIT_USAGE
    assert "begin a new series" in capsys.readouterr().err
    assert len(executed.requests) == count


def test_another_experiments_sweep(executed: Executed, sweep: Callable[..., int], tmp_path: Path) -> None:
    """A folder is of one experiment."""
    sweep()
    count = len(executed.requests)
    assert main(["sweep", "dead_work", "--resume", str(the_sweep(tmp_path))]) == EXIT_USAGE
    assert len(executed.requests) == count
