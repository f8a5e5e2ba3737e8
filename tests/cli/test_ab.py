"""rulezero ab: pairs in turning order with seeds of their own, until it is clear; the verdict and the exit status."""

import json
import re
from pathlib import Path

import pytest

from rulezero.cli import main
from rulezero.errors import EXIT_INTERRUPTED, EXIT_USAGE
from rulezero.series import read_series
from tests.cli.made_verdicts import install, series_folder, steady

Captured = pytest.CaptureFixture[str]

CLEAR = steady(none=0.4, circuit_breaker=0.9, timeout=0.4)
FILES = {"series.json", "ab.json", "report.md", "report.html"}


def run(out: Path, *arguments: str, experiment: str = "cascading_failure") -> int:
    return main(["ab", experiment, "--out", str(out), *arguments])


def rough(name: str, count: int) -> tuple[float, None]:
    """Return a treatment that is sometimes much better and sometimes much worse."""
    return (0.5 if name == "none" else 0.5 + (0.4 if count % 3 else -0.3)), None


def test_pairs_turn_and_share_a_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control first in odd pairs, last in even ones; by default the control and the demo's arm."""
    executed = install(monkeypatch, CLEAR)
    assert run(tmp_path, "--seed", "7") == 0
    there, back = ["none", "circuit_breaker"], ["circuit_breaker", "none"]
    assert executed.orders() == [there, back, there, back]
    assert executed.seeds() == [7, 8, 9, 10]
    assert {request.experiment.control.name for request in executed.requests} == {"none"}


def test_it_stops_when_it_is_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """After half of the pairs here; the verdict is the first line after the pairs."""
    executed = install(monkeypatch, CLEAR)
    assert run(tmp_path) == 0
    assert len(executed.requests) == 4
    out = capsys.readouterr().out
    assert out.startswith("8 runs of 2 arms, ")
    assert out.splitlines()[1] == "pair 1 of 8, seed 1: goodput: none 40.2 %, circuit_breaker 90.3 %"
    first = next(line for line in out.splitlines()[5:] if line)
    assert first.startswith("circuit_breaker helps: goodput ")
    assert "Stopped after 4 of 8 pairs" in out
    assert "circuit_breaker against none, 4 pairs" in out
    assert "rulezero aa cascading_failure" in out


def test_harm_is_named_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Whatever helps beside it; the exit status is 1."""
    install(monkeypatch, steady(none=0.6, timeout=0.9, bulkhead=0.2))
    assert run(tmp_path, "--treatment", "timeout,bulkhead", "--quiet") == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines[0] == "bulkhead HARMS; timeout helps."
    assert lines[1].startswith("bulkhead HARMS: goodput 20.")
    page = (series_folder(tmp_path, "ab") / "report.md").read_text(encoding="utf-8")
    assert "**bulkhead HARMS; timeout helps.**" in page


def test_several_treatments_are_reversed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of an even pair is the odd one's backwards."""
    executed = install(monkeypatch, steady(none=0.6, timeout=0.9, bulkhead=0.2))
    run(tmp_path, "--treatment", "timeout, bulkhead,")
    assert executed.orders()[:2] == [["none", "timeout", "bulkhead"], ["bulkhead", "timeout", "none"]]


def test_what_is_not_clear_takes_all_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """And ends with 2, saying how many more it would take."""
    executed = install(monkeypatch, rough)
    assert run(tmp_path, "--pairs", "6", "--quiet") == 2
    assert len(executed.requests) == 6
    out = capsys.readouterr().out
    assert "circuit_breaker: inconclusive: goodput " in out
    assert re.search(r"A new series with --pairs \d+ would settle it", " ".join(out.split()))
    assert "pair 1 of 6" not in out


def test_no_effect_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """With 0, also where nothing differs at all."""
    install(monkeypatch, lambda *_: (1.0, None))
    assert run(tmp_path) == 0
    assert "circuit_breaker has no effect: goodput 100 % with it, 100 % with none: 0 points [0, 0]." in (
        capsys.readouterr().out
    )


def test_an_invalid_pair_is_repeated_with_the_next_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """In the same order, and it does not count."""
    executed = install(monkeypatch, lambda name, count: None if count == 2 else CLEAR(name, count))
    assert run(tmp_path) == 0
    assert executed.seeds() == [1, 2, 3, 4, 5]
    assert executed.orders()[1] == executed.orders()[2]
    out = capsys.readouterr().out
    assert "pair 2 of 8, seed 2: invalid: none: the control did not fail\n" in out
    assert "1 pair was invalid, and repeated." in out


def test_too_many_invalid_pairs_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Five are repeated in a series of eight; then it gives up, says why, and ends with 2."""
    executed = install(monkeypatch, lambda *_: None)
    assert run(tmp_path, "--quiet") == 2
    assert len(executed.requests) == 6
    first = next(line for line in capsys.readouterr().out.splitlines() if line)
    assert first.startswith(
        "No verdict: gave up after 0 of 8 pairs, because too many were invalid. The last: none: the"
    )


def test_what_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The series, the comparison, two reports, and a record of each pair; the page loads nothing."""
    install(monkeypatch, CLEAR)
    run(tmp_path)
    folder = series_folder(tmp_path, "ab")
    assert {path.name for path in folder.iterdir()} == FILES | {f"record-{count}" for count in range(1, 5)}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    series = read_series(folder, "ab")
    assert series.reproduce == (
        "rulezero ab cascading_failure --control none --treatment circuit_breaker --pairs 8 --seed 1"
    )
    assert series.reproduce in page
    content = json.loads((folder / "ab.json").read_text(encoding="utf-8"))
    assert content["treatments"][0]["call"] == "helps"


def test_json_is_all_that_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """The content of ab.json."""
    install(monkeypatch, CLEAR)
    assert run(tmp_path, "--json") == 0
    out = capsys.readouterr().out
    assert json.loads(out) == json.loads((series_folder(tmp_path, "ab") / "ab.json").read_text(encoding="utf-8"))


def test_an_interrupted_series_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """With the pair that it was at; the line to type is printed."""
    executed = install(monkeypatch, CLEAR)
    executed.interrupt_at = 2
    assert run(tmp_path) == EXIT_INTERRUPTED
    folder = series_folder(tmp_path, "ab")
    assert f"go on with: rulezero ab --resume {folder}" in capsys.readouterr().err
    assert main(["report", str(folder)]) == 2
    assert "Unfinished: 2 of 8 pairs." in capsys.readouterr().out
    assert main(["ab", "--resume", str(folder), "--quiet"]) == 0
    assert executed.seeds() == [1, 2, 3, 4]
    assert executed.orders()[2] == ["none", "circuit_breaker"]
    assert main(["ab", "--resume", str(folder)]) == 0
    assert len(executed.requests) == 4


def test_a_series_is_reported_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """From series.json alone, with the same words and the same status."""
    install(monkeypatch, steady(none=0.6, circuit_breaker=0.2))
    assert run(tmp_path) == 1
    folder = series_folder(tmp_path, "ab")
    before = {name: (folder / name).read_bytes() for name in FILES}
    for name in FILES - {"series.json"}:
        (folder / name).unlink()
    capsys.readouterr()
    assert main(["report", str(folder)]) == 1
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    assert "circuit_breaker HARMS" in capsys.readouterr().out


def test_the_floor_that_was_measured_is_gone_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same folder; an effect that was called before is not when this machine cannot tell it."""
    install(monkeypatch, lambda name, count: (0.5 + 0.05 * (count * len(name) % 7), None))
    assert main(["aa", "cascading_failure", "--pairs", "8", "--out", str(tmp_path), "--quiet"]) == 0
    install(monkeypatch, steady(none=0.5, circuit_breaker=0.57))
    assert run(tmp_path, "--quiet") == 2
    content = json.loads((series_folder(tmp_path, "ab") / "ab.json").read_text(encoding="utf-8"))
    assert content["floors_from"] == series_folder(tmp_path, "aa").name
    assert content["treatments"][0]["call"] == "inconclusive"
    assert run(tmp_path / "elsewhere", "--quiet") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "rulezero ab needs an experiment"),
        (("no_such",), "there is no experiment 'no_such'"),
        (("cascading_failure", "--treatment", "nun"), "cascading_failure has no arm 'nun'"),
        (("cascading_failure", "--control", "nun"), "cascading_failure has no arm 'nun'"),
        (("cascading_failure", "--treatment", "none"), "none is control and treatment"),
        (("cascading_failure", "--treatment", "timeout,timeout"), "an arm is named twice"),
        (("cascading_failure", "--pairs", "1"), "--pairs must be 2 to 1000, not 1"),
        (("cascading_failure", "--pairs", "1000000"), "--pairs must be 2 to 1000"),
        (("--resume", "no/such"), "no/such is no series"),
        (("cascading_failure", "--resume", "no/such"), "leave the experiment and --pairs out"),
        (("--resume", "no/such", "--treatment", "timeout"), "leave --control and --treatment out"),
    ],
)
def test_wrong_use(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """One line and 64, before anything is made."""
    executed = install(monkeypatch, CLEAR)
    assert main(["ab", *arguments, "--out", str(tmp_path / "runs")]) == EXIT_USAGE
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert executed.requests == []
    assert not (tmp_path / "runs").exists()


def test_a_series_of_an_experiment_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Is not gone on with: its pairs would not be alike."""
    executed = install(monkeypatch, CLEAR)
    executed.interrupt_at = 1
    run(tmp_path)
    folder = series_folder(tmp_path, "ab")
    text = (folder / "series.json").read_text(encoding="utf-8")
    definition = read_series(folder, "ab").asked["definition"]
    (folder / "series.json").write_text(text.replace(definition, "0" * 64), encoding="utf-8")
    assert main(["ab", "--resume", str(folder)]) == EXIT_USAGE
    assert "begin a new series" in capsys.readouterr().err


def test_the_yardstick_is_printed_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Where the experiment has one."""
    install(monkeypatch, lambda name, count: (0.9, (100.0 if name == "none" else 20.0) + count % 2))
    assert run(tmp_path, experiment="early_expiration") == 0
    out = capsys.readouterr().out
    assert "pair 1 of 8, seed 1: loads at the origin from the fault on: none 101, beta_1 21" in out
    assert "beta_1 helps: loads at the origin from the fault on 20.5 with it, 100 with none" in out
