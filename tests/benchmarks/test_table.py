import json
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS, RESULTS, main
from benchmarks.table import render
from rulezero.defences import CATALOGUE

README = Path(__file__).parents[2] / "README.md"


def test_readme_quotes_the_committed_results() -> None:
    """Word for word; `make bench` measures, `python -m benchmarks --markdown` prints what is to be quoted."""
    block = re.search(r"<!-- bench: [^>]*-->\n\n(.*?)\n<!-- /bench -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    assert block[1] == render(json.loads(RESULTS.read_text(encoding="utf-8")))


def test_the_results_are_of_every_part_and_every_defence() -> None:
    """None was added since without being measured."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert set(PARTS) <= set(results)
    assert set(results["defences"]) == {defence.name for defence in CATALOGUE}


def test_a_library_that_fails_a_check_is_no_peer() -> None:
    """Whatever it costs; our own fail none."""
    for defence, one in json.loads(RESULTS.read_text(encoding="utf-8"))["defences"].items():
        assert one["cheapest_correct_peer"] not in one["failed"], defence
        assert "rulezero" not in one["failed"], defence


def test_markdown_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It needs none of the libraries that are compared with."""
    before = RESULTS.read_bytes()
    assert main(["--markdown"]) == 0
    assert capsys.readouterr().out == render(json.loads(before))
    assert RESULTS.read_bytes() == before


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is measured."""
    with pytest.raises(SystemExit):
        main(["telepathy"])
    assert "no part telepathy; there are: defences, telemetry, toxiproxy, record" in capsys.readouterr().err


def test_what_was_not_measured_is_not_told() -> None:
    """A toxiproxy-server is there on few machines."""
    assert render({"toxiproxy": {"skipped": "no toxiproxy-server on PATH"}}) == (
        "Toxiproxy was not compared: no toxiproxy-server on PATH.\n"
    )
    assert render({}) == "\n"
