"""Checkout: experiments are found by path, and whatever is wrong with one is told in one line."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rulezero.checkout import choose_arms, experiment_names, load_experiment, require_checkout
from rulezero.errors import EXIT_USAGE, UsageProblem
from rulezero.experiment import Arm, Experiment

GOOD = """
from rulezero.experiment import Arm, Experiment
EXPERIMENT = Experiment(name="good", question="?", prediction=".", streams=(), arms=(Arm(name="none"),),
                        demo_arms=(), faults=(), checks=())
"""

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Make the working directory a checkout of its own; return what writes an experiment into it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in [name for name in sys.modules if name.partition(".")[0] == "experiments"]:
        monkeypatch.delitem(sys.modules, name)
    for folder in ("experiments", "services"):
        (tmp_path / folder).mkdir()
    (tmp_path / "services/lab.toml").write_text("", encoding="utf-8")

    def write(name: str, text: str) -> None:
        (tmp_path / "experiments" / f"{name}.py").write_text(text, encoding="utf-8")
        # What is imported in a test must not be there in the next one.
        monkeypatch.setitem(sys.modules, f"experiments.{name}", sys)
        monkeypatch.delitem(sys.modules, f"experiments.{name}")

    write("__init__", "")
    return write


def test_experiments_are_the_files_of_the_folder(write: Write) -> None:
    """In alphabetical order; what begins with an underscore is none."""
    for name in ("later", "good", "_shared"):
        write(name, GOOD)
    assert experiment_names() == ("good", "later")


def test_an_experiment_is_loaded_by_name(write: Write) -> None:
    """From the checkout that is the working directory."""
    write("good", GOOD)
    assert load_experiment("good").control == Arm(name="none")


def test_a_folder_that_is_no_checkout_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy."""
    monkeypatch.chdir(tmp_path)
    for call in (require_checkout, experiment_names, lambda: load_experiment("good")):
        with pytest.raises(UsageProblem, match=r"is not a checkout of rulezero.*; change to the folder that has it"):
            call()


def test_an_unknown_experiment_is_told_with_those_there_are(write: Write) -> None:
    """So that a typing error is seen at once."""
    write("good", GOOD)
    with pytest.raises(UsageProblem, match=r"^there is no experiment 'god'; there are: good$") as told:
        load_experiment("god")
    assert told.value.status == EXIT_USAGE
    for name in ("../good", "_shared", "", "__init__"):
        with pytest.raises(UsageProblem, match="there is no experiment"):
            load_experiment(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("EXPERIMENT = (", "'(' was never closed"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("from rulezero.experiment import Fault_", "cannot import name 'Fault_'"),
        (GOOD.replace("question", "qestion"), "unexpected keyword argument 'qestion'"),
        ("raise ValueError('first\\nsecond')", "first"),
        ("raise ValueError", "ValueError"),
    ],
)
def test_a_malformed_experiment_is_told_in_one_line(write: Write, text: str, told: str) -> None:
    """Whatever Python says of the file, without a traceback; the file is named."""
    write("broken", text)
    with pytest.raises(UsageProblem, match=r"^experiments/broken\.py cannot be loaded: .*; correct it$") as raised:
        load_experiment("broken")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "EXPERIMENT = None", "experiment = 3"])
def test_a_file_without_an_experiment_is_told(write: Write, text: str) -> None:
    """The name to define is in the message."""
    write("empty", text)
    with pytest.raises(UsageProblem, match=r"experiments/empty\.py defines no EXPERIMENT"):
        load_experiment("empty")


def sample() -> Experiment:
    return Experiment(
        name="sample", question="?", prediction=".", streams=(), demo_arms=(), faults=(), checks=(),
        arms=(Arm(name="none"), Arm(name="retry"), Arm(name="all")),
    )  # fmt: skip


def test_arms_come_in_the_order_named_or_all() -> None:
    """No names mean every arm, in the experiment's order."""
    assert [arm.name for arm in choose_arms(sample(), ("all", "none"))] == ["all", "none"]
    assert choose_arms(sample(), ()) == sample().arms


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("none", "rety"), "^sample has no arm 'rety'; there are: none, retry, all$"),
        (("none", "none"), "^an arm is named twice; name each once$"),
    ],
)
def test_arms_that_cannot_be_run_are_told(names: tuple[str, ...], told: str) -> None:
    """Unknown, or named twice."""
    with pytest.raises(UsageProblem, match=told):
        choose_arms(sample(), names)
