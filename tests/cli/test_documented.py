"""What documents and the example workflow tell people to type is what the command line takes."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from rulezero.analysis.gate import parse_rule
from rulezero.analysis.measures import MEASURES
from rulezero.cli.main import _parser
from rulezero.errors import EXIT_IO, EXIT_UNAVAILABLE, EXIT_USAGE
from rulezero.own_file import tables

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "docs/examples/rulezero.yml"
CI = (ROOT / "docs/ci.md").read_text()
DOCUMENTS = ("docs/ci.md", "docs/own_service.md", "examples/own_service/README.md")


def commands(script: str) -> Iterator[list[str]]:
    """Yield the words of each call of rulezero, without what the shell does after it."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["rulezero"]:
            yield words[1 : words.index("||") if "||" in words else None]


def check(words: list[str]) -> None:
    """Ask the parser, which ends the process on what it does not know, and read the rules of a gate."""
    arguments = _parser().parse_args(words)
    for rule in getattr(arguments, "fail_on", ()):
        parse_rule(rule)


def test_the_workflow_runs_gates_keeps_and_comments() -> None:
    """It is YAML of a job whose commands exist; what comes after the gate happens also when that fails."""
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    steps = job["steps"]
    called = [words for step in steps for words in commands(step.get("run", ""))]
    assert [words[0] for words in called] == ["run", "gate"]
    for words in called:
        check(words)
    gate = next(number for number, step in enumerate(steps) if "rulezero gate" in step.get("run", ""))
    assert all("always()" in step["if"] for step in steps[gate + 1 :])
    after = str(steps[gate + 1 :])
    written = [called[1][called[1].index(option) + 1] for option in ("--junit", "--summary")]
    assert all(file in after for file in written)
    assert "report.html" in after


def test_the_workflow_keeps_no_token_and_tells_only_what_there_is() -> None:
    """Code of a pull request runs in it; where the gate could not be asked there is no summary; one comment is kept."""
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False, False]
    (gate,) = (" ".join(step["run"].split()) for step in job["steps"] if "rulezero gate" in step.get("run", ""))
    summary = gate.split("--summary ")[1]
    telling = [step for step in job["steps"] if summary in step.get("run", "") and "--summary" not in step["run"]]
    assert len(telling) == 2
    assert all(f"hashFiles('{summary}') != ''" in step["if"] for step in telling)
    assert "--edit-last --create-if-none" in telling[1]["run"]


def test_statuses_of_a_gate_that_could_not_be_asked_are_told() -> None:
    """With the numbers that the program ends with."""
    (told,) = re.findall(r"From (\d+) on the gate itself could not be asked: (.*?)\n\n", CI, re.DOTALL)
    assert int(told[0]) == EXIT_USAGE
    for status in (EXIT_USAGE, EXIT_UNAVAILABLE, EXIT_IO):
        assert f"{status} " in told[1]
    assert "goes by\nthe `name` in the TOML file" in CI


def test_the_workflow_gates_what_it_ran() -> None:
    """The record's folder ends with the name of the experiment, which is the file's."""
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    run, gate = [words for step in job["steps"] for words in commands(step.get("run", ""))]
    assert Path(run[run.index("--out") + 1]).name == Path(gate[1]).parent.name
    assert gate[1].endswith(f"-{Path(run[1]).stem}")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_in_documents_exist(document: str) -> None:
    """Each of them, with its options."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    found = [words for block in blocks for words in commands(block)]
    assert found
    for words in found:
        check(words)


def test_every_measure_is_in_the_table() -> None:
    """With the sign that a rule about it has."""
    text = CI
    for measure in MEASURES:
        sign = "<" if measure.better == "higher" else ">"
        assert re.search(rf"^\| `{measure.name}` .*`{sign}` \|$", text, re.MULTILINE), measure.name


def test_every_key_of_the_file_is_explained() -> None:
    """In the table of its section, or with the section itself."""
    text = (ROOT / "docs/own_service.md").read_text()
    structs = [one for one in vars(tables).values() if isinstance(one, type) and issubclass(one, tables.Table)]
    keys = {field.name for struct in structs for field in msgspec.structs.fields(struct)}
    assert keys > {"target", "rate_rps", "upstream", "toxicity"}
    for key in keys:
        assert f"`{key}`" in text or f"[{key}]" in text or f"{key} =" in text, key


def test_links_lead_somewhere() -> None:
    """From where the document lies."""
    for document in DOCUMENTS:
        path = ROOT / document
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{document}: {target}"


def test_the_example_is_anybodys() -> None:
    """Its programs import nothing but the standard library."""
    for path in (ROOT / "examples/own_service").glob("*.py"):
        imported = re.findall(r"^(?:import|from) (\w+)", path.read_text(), re.MULTILINE)
        assert imported
        assert set(imported) <= sys.stdlib_module_names
