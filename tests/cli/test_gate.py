"""rulezero gate: exit statuses, and the files that a CI server picks up."""

import json
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from rulezero.cli import main
from rulezero.errors import EXIT_IO, EXIT_USAGE


def record(folder: Path, goodput_hold: float, *, valid: bool = True) -> str:
    verdict: dict[str, Any] = {
        "experiment": "cascade",
        "valid": valid,
        "invalid_reasons": [] if valid else ["the machine was busy"],
        "validity": [],
        "arms": [{"name": "timeout", "measures": {"goodput_hold": goodput_hold, "recovery_s": None}}],
    }
    folder.mkdir()
    (folder / "verdict.json").write_text(json.dumps(verdict))
    return str(folder)


def test_a_kept_baseline_gates_the_next_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 when it held, 1 when it fell too far, 2 when the run says nothing."""
    before, same = record(tmp_path / "before", 0.95), record(tmp_path / "same", 0.94)
    fell, busy = record(tmp_path / "fell", 0.5), record(tmp_path / "busy", 0.95, valid=False)
    kept = str(tmp_path / "baseline.json")
    assert main(["gate", before, "--save", kept]) == 0
    rule = ["--baseline", kept, "--fail-on", "goodput_hold < -5%"]
    assert [main(["gate", one, *rule]) for one in (same, fell, busy)] == [0, 1, 2]
    assert main(["gate", same, *rule, "--fail-on", "recovery_s > 10%"]) == 2
    told = capsys.readouterr().out
    assert "1 of 1 held, 0 failed" in told
    assert "the run is invalid: the machine was busy" in " ".join(told.split())


def test_the_files_for_a_server(tmp_path: Path) -> None:
    """JUnit is written anew, the summary is added to what other steps wrote."""
    before, fell = record(tmp_path / "before", 0.95), record(tmp_path / "fell", 0.5)
    junit, summary = tmp_path / "gate.xml", tmp_path / "summary.md"
    summary.write_text("before\n")
    asked = ["gate", fell, "--baseline", before, "--fail-on", "timeout.goodput_hold < -5%"]
    assert main([*asked, "--junit", str(junit), "--summary", str(summary)]) == 1
    assert main([*asked, "--junit", str(junit), "--summary", str(summary)]) == 1
    assert JUnitXml.fromfile(str(junit)).failures == 1
    assert summary.read_text().startswith("before\n### Gate: ")
    assert summary.read_text().count("### Gate: ") == 2


def test_what_failed_is_not_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Least of all over the baseline that it failed; the status stays. What held is saved."""
    kept = tmp_path / "baseline.json"
    assert main(["gate", record(tmp_path / "before", 0.95), "--save", str(kept)]) == 0
    before = kept.read_text()
    asked = ["--baseline", str(kept), "--fail-on", "goodput_hold < -5%", "--save", str(kept)]
    fell, unsaid = record(tmp_path / "fell", 0.5), [*asked, "--fail-on", "recovery_s > 10%"]
    assert main(["gate", fell, *asked]) == 1
    assert main(["gate", record(tmp_path / "same", 0.95), *unsaid]) == 2
    assert capsys.readouterr().out.count("not saved: not all rules held") == 2
    assert kept.read_text() == before
    assert main(["gate", record(tmp_path / "better", 0.99), *asked]) == 0
    assert "0.99" in kept.read_text()


def test_a_baseline_of_another_definition_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that was kept: it tells by what it was measured."""
    for name, definition in (("before", "old"), ("now", "new")):
        record(tmp_path / name, 0.95)
        told = json.dumps({"definition": definition, "target": "embedded"})
        (tmp_path / name / "manifest.json").write_text(told)
    kept = str(tmp_path / "baseline.json")
    assert main(["gate", str(tmp_path / "before"), "--save", kept]) == 0
    rule = ["--baseline", kept, "--fail-on", "goodput_hold < -5%"]
    assert main(["gate", str(tmp_path / "before"), *rule]) == 0
    assert main(["gate", str(tmp_path / "now"), *rule]) == 2
    assert "another definition (old, now new); save a new one" in " ".join(capsys.readouterr().out.split())


def test_an_invalid_run_is_no_baseline(tmp_path: Path) -> None:
    """It is not kept, and the status says that nothing can be said."""
    kept = tmp_path / "baseline.json"
    assert main(["gate", record(tmp_path / "busy", 0.9, valid=False), "--save", str(kept)]) == 2
    assert not kept.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ((), EXIT_USAGE, "nothing to do"),
        (("--baseline", "x"), EXIT_USAGE, "give both"),
        (("--fail-on", "goodput < 0"), EXIT_USAGE, "give both"),
        (("--save", "x", "--junit", "y"), EXIT_USAGE, "tell of a comparison"),
        (("--baseline", "no/such", "--fail-on", "goodput < 0"), EXIT_USAGE, "no/such: No such file"),
        (("--baseline", "{}", "--fail-on", "goodput"), EXIT_USAGE, "'goodput' is no rule"),
        (("--save", "no/such/file"), EXIT_IO, "no/such/file"),
        (("--baseline", "{}", "--fail-on", "goodput < 0", "--summary", "no/such/file"), EXIT_IO, "--summary"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, with the remedy."""
    folder = record(tmp_path / "run", 0.9)
    assert main(["gate", folder, *(one.format(folder) for one in arguments)]) == status
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
