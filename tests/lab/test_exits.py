from pathlib import Path

import pytest

from rulezero.lab.exits import TAIL_LINES, describe_status, last_words, tail


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exit status 0"), (70, "exit status 70"), (-9, "killed by SIGKILL"), (-250, "killed by signal 250")],
)
def test_a_status_is_told_in_words(status: int, words: str) -> None:
    """Signals have names."""
    assert describe_status(status) == words


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    """However long the log and whatever its bytes."""
    log = tmp_path / "part.log"
    log.write_bytes(b"x" * 100_000 + b"\n" + b"".join(b"line %d\n" % number for number in range(50)) + b"\xff")
    found = tail(log)
    assert len(found) == TAIL_LINES
    assert found[-2:] == ("line 49", "\ufffd")
    assert tail(tmp_path / "none") == ()


def test_the_last_words_are_the_last_that_speak_of_an_error(tmp_path: Path) -> None:
    """What a program says while it tidies up is not the reason."""
    log = tmp_path / "part.log"
    assert last_words(log) == "it said nothing"
    log.write_text("starting\nno room\n\n", encoding="utf-8")
    assert last_words(log) == "no room"
    log.write_text("ERROR: one\ninitdb: error: disk full\nremoving contents\n", encoding="utf-8")
    assert last_words(log) == "initdb: error: disk full"
