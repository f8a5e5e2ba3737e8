"""The command line: help with an example for each verb, one line for wrong use, and what each exit status means."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rulezero.cli import main
from rulezero.cli.main import VERBS
from rulezero.errors import (
    EXIT_DEFECT,
    EXIT_INTERRUPTED,
    EXIT_IO,
    EXIT_UNAVAILABLE,
    EXIT_USAGE,
    Problem,
    StorageProblem,
    UsageProblem,
)

Captured = pytest.CaptureFixture[str]


def run(*arguments: str) -> int:
    """Return the exit status, however the command line ends."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def test_the_verbs() -> None:
    """What the issue asks for, and nothing twice."""
    names = [verb.NAME for verb in VERBS]
    told = "aa ab defences demo doctor down gate list matrix picture price report run status sweep toxiproxy up"
    assert " ".join(sorted(names)) == told


@pytest.mark.parametrize("verb", [verb.NAME for verb in VERBS])
def test_each_verb_has_help_with_an_example(verb: str, capsys: Captured) -> None:
    """`--help` says what it does, ends with 0, and shows a command that could be typed."""
    assert run(verb, "--help") == 0
    told = capsys.readouterr().out
    assert "example" in told
    assert f"rulezero {verb}" in told.partition("example")[2]


def test_help_lists_the_verbs(capsys: Captured) -> None:
    """With an example."""
    assert run("--help") == 0
    told = capsys.readouterr().out
    assert all(re.search(rf"^    {verb.NAME}\b", told, re.MULTILINE) for verb in VERBS)
    assert "example: rulezero run" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "VERB"),
        (("fly",), "invalid choice: 'fly'"),
        (("run",), "experiment"),
        (("run", "x", "--fast"), "--fast"),
        (("run", "cascading_failure", "--seed", "one"), "invalid int value: 'one'"),
        (("run", "no_such"), "there is no experiment 'no_such'; there are: "),
        (("run", "thundering_herd", "--arms", "none,nun"), "thundering_herd has no arm 'nun'; there are: none"),
        (("run", "thundering_herd", "--arms", "none,none"), "an arm is named twice"),
        (("report",), "record"),
        (("report", "no/such/record"), "no/such/record is not a record"),
        (("list", "--html"), "--html"),
        (("defences",), "ACTION"),
        (("defences", "preset", "some"), "'some' is not a preset; there are: none, naive, all"),
        (("defences", "set", "timeout"), "KEY=VALUE"),
        (("ab",), "rulezero ab needs an experiment"),
        (("aa", "cascading_failure", "--pairs", "1"), "--pairs must be 2 to 1000"),
        (("demo", "now"), "unrecognized arguments: now"),
        (("up", "--port", "many"), "invalid int value: 'many'"),
        (("doctor", "--cure"), "--cure"),
        (("toxiproxy", "-port", "many"), "many"),
        (("toxiproxy", "-config", "no/such.json"), "no/such.json"),
    ],
)
def test_wrong_use_is_one_line_and_64(arguments: tuple[str, ...], told: str, capsys: Captured) -> None:
    """On standard error, naming what was wrong; nothing on standard output, so that a pipe gets no rubbish."""
    assert run(*arguments) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_a_folder_that_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Every verb that needs one says so, and leaves nothing behind."""
    monkeypatch.chdir(tmp_path)
    for arguments in (("list",), ("run", "x"), ("demo",), ("up",), ("status",), ("down",), ("doctor",)):
        assert run(*arguments) == EXIT_USAGE
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "is not a checkout of rulezero" in err
    assert run("defences", "show") == EXIT_USAGE
    assert "defences.toml" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (UsageProblem("x is wrong; do y"), EXIT_USAGE, "rulezero: x is wrong; do y\n"),
        (StorageProblem("x is full; free some space"), EXIT_IO, "rulezero: x is full; free some space\n"),
        (Problem("x is missing; install it"), EXIT_UNAVAILABLE, "rulezero: x is missing; install it\n"),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, ""),
        (PermissionError(13, "Permission denied", "x"), EXIT_IO, "rulezero: x: Permission denied\n"),
    ],
)
def test_exit_statuses(
    raised: BaseException, status: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Each kind of problem has its own; an interruption needs no words."""

    def fail(_: Any) -> int:
        raise raised

    monkeypatch.setattr("rulezero.cli.list.execute", fail)
    assert run("list") == status
    assert capsys.readouterr() == ("", told)


def test_a_bug_is_no_problem_of_the_users(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """What nobody foresaw keeps its traceback, and does not end as a verdict does: Python's own status is 1."""

    def fail(_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("rulezero.cli.list.execute", fail)
    assert main(["list"]) == EXIT_DEFECT
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.wall_clock
def test_python_dash_m_is_the_same_program() -> None:
    """And a reader that goes away in the middle causes no traceback, however output is buffered."""
    command = [sys.executable, "-m", "rulezero", "list", "--markdown"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("| experiment |")
    for unbuffered in ("", "1"):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as closed:
            done = subprocess.run(
                command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
                env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            )  # fmt: skip
        assert (done.returncode, done.stderr) == (EXIT_IO, "")


@pytest.mark.wall_clock
def test_help_does_not_wait_for_what_only_a_run_needs() -> None:
    """Tables, charts and the lab are imported by the verbs that use them."""
    heavy = ("polars", "altair", "asyncpg", "aiohttp")
    program = f"import sys, rulezero.cli; print([name for name in {heavy} if name in sys.modules])"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
