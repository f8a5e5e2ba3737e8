"""rulezero aa: the same arm twice, what it leaves for `rulezero ab`, and how it ends."""

import json
from pathlib import Path

import pytest

from rulezero.cli import main
from rulezero.errors import EXIT_INTERRUPTED, EXIT_USAGE
from tests.cli.made_verdicts import Value, install, series_folder

Captured = pytest.CaptureFixture[str]

NOISY: Value = lambda name, count: (0.5 + 0.02 * (count * len(name) % 7), None)  # noqa: E731 - a value, as others are.


def run(out: Path, *arguments: str, experiment: str = "cascading_failure") -> int:
    return main(["aa", experiment, "--out", str(out), *arguments])


def test_the_same_arm_runs_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under two names with the same defences, in turning order, for all pairs that were asked for."""
    executed = install(monkeypatch, NOISY)
    assert run(tmp_path, "--arm", "timeout", "--pairs", "3") == 0
    there, back = ["timeout", "timeout_again"], ["timeout_again", "timeout"]
    assert executed.orders() == [there, back, there]
    assert executed.seeds() == [1, 2, 3]
    first, second = executed.requests[0].arms
    assert (first.defences, first.numbers) == (second.defences, second.numbers)


def test_the_floor_is_kept_beside_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """With the machine and the time, by experiment; the smallest effect is the first line after the pairs."""
    install(monkeypatch, NOISY)
    assert run(tmp_path, "--pairs", "9") == 0
    out = capsys.readouterr().out
    first = next(line for line in out.splitlines()[10:] if line)
    assert first.startswith("The smallest effect that 8 pairs can tell here: goodput ")
    folder = series_folder(tmp_path, "aa")
    kept = json.loads((tmp_path / "noise_floor.json").read_text(encoding="utf-8"))
    content = json.loads((folder / "aa.json").read_text(encoding="utf-8"))
    floor = kept["cascading_failure"]
    assert floor["floors"] == content["floors"]
    assert (floor["arm"], floor["pairs"], floor["series"]) == ("none", 9, folder.name)
    assert floor["host"] == content["host"]
    assert {"report.md", "report.html", "series.json"} <= {path.name for path in folder.iterdir()}


def test_few_pairs_are_no_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """It is measured and told, and `rulezero ab` does not go by it."""
    install(monkeypatch, NOISY)
    assert run(tmp_path, "--pairs", "4") == 0
    assert "Fewer than 8 pairs are no floor for `rulezero ab`." in capsys.readouterr().out
    assert not (tmp_path / "noise_floor.json").exists()


def test_too_many_invalid_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """End it with 2 and without a floor."""
    install(monkeypatch, lambda *_: None)
    assert run(tmp_path, "--pairs", "8", "--quiet") == 2
    assert "Gave up after 0 of 8 pairs" in capsys.readouterr().out
    assert not (tmp_path / "noise_floor.json").exists()


def test_an_interrupted_series_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """And its report says that it is unfinished."""
    executed = install(monkeypatch, NOISY)
    executed.interrupt_at = 5
    assert run(tmp_path, "--pairs", "8") == EXIT_INTERRUPTED
    folder = series_folder(tmp_path, "aa")
    assert f"go on with: rulezero aa --resume {folder}" in capsys.readouterr().err
    assert main(["report", str(folder)]) == 2
    assert "Unfinished: 5 of 8 pairs." in capsys.readouterr().out
    assert main(["aa", "--resume", str(folder)]) == 0
    assert len(executed.requests) == 8
    assert (tmp_path / "noise_floor.json").exists()


def test_a_series_is_reported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """From series.json alone; as JSON it is aa.json and nothing else."""
    install(monkeypatch, NOISY)
    run(tmp_path, "--pairs", "8", "--quiet")
    folder = series_folder(tmp_path, "aa")
    content = (folder / "aa.json").read_bytes()
    (folder / "aa.json").unlink()
    capsys.readouterr()
    assert main(["report", str(folder), "--json"]) == 0
    assert (folder / "aa.json").read_bytes() == content
    assert json.loads(capsys.readouterr().out) == json.loads(content)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "rulezero aa needs an experiment"),
        (("cascading_failure", "--arm", "nun"), "cascading_failure has no arm 'nun'"),
        (("cascading_failure", "--pairs", "0"), "--pairs must be 2 to 1000, not 0"),
        (("--resume", "no/such", "--arm", "none"), "leave --arm out"),
    ],
)
def test_wrong_use(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """One line and 64, before anything is made."""
    install(monkeypatch, NOISY)
    assert main(["aa", *arguments, "--out", str(tmp_path / "runs")]) == EXIT_USAGE
    assert told in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
