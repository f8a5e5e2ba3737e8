"""The arms of a matrix."""

import pytest

from rulezero.analysis.combinations import arm_name, chosen_defences, matrix_arms, subsets
from rulezero.errors import UsageProblem
from rulezero.experiment import Arm, Experiment
from rulezero.own_system import OwnSystem
from tests.analysis.records import experiment

SLOW = {"timeout_s": 2.0}
FAST = {"timeout_s": 0.2}


def with_arms(*arms: Arm, base: tuple[str, ...] = (), control: Arm | None = None) -> Experiment:
    return experiment(arms=(control or Arm(name="none"), *arms), base=base)


@pytest.mark.parametrize(
    ("count", "arms"),
    [(2, 4), (3, 8), (4, 16), (5, 22)],
)
def test_every_set_is_run_once(count: int, arms: int) -> None:
    """None, each, pairs, all but one, all: with three the pairs are all but one."""
    found = subsets("abcdef"[:count])
    assert len(found) == len(set(found)) == arms
    assert found[0] == ()
    assert {len(one) for one in found} == {0, 1, 2, count - 1, count}


def test_an_arm_is_not_called_as_an_arm_of_the_experiment() -> None:
    """Whose arm "circuit_breaker" may have a timeout too: its checks would be asked of another thing."""
    assert arm_name((), "one_retry") == "one_retry"
    assert arm_name(("timeout",), "none") == "timeout_alone"
    assert arm_name(("timeout", "retry"), "none") == "timeout+retry"


def test_numbers_are_those_chosen_for_the_defence() -> None:
    """Of the arm with the fewest defences; of those the first; of "all" only where nobody else has it on."""
    asked = with_arms(
        Arm(name="both", defences=("timeout", "retry"), numbers={"timeout": SLOW, "retry": {"attempts_max": 2}}),
        Arm(name="one", defences=("timeout",), numbers={"timeout": FAST}),
        Arm(name="again", defences=("timeout",), numbers={"timeout": SLOW}),
        Arm(name="all", preset="all", numbers={"timeout": SLOW, "deadline": {"margin_s": 0.1}}),
        Arm(name="naive", preset="naive", numbers={"retry": {"attempts_max": 9}}),
    )
    arms = {arm.name: arm for arm in matrix_arms(asked, ("timeout", "retry", "deadline", "hedging"))}
    assert arms["timeout_alone"].numbers == {"timeout": FAST}
    assert arms["retry_alone"].numbers == {"retry": {"attempts_max": 2}}
    assert arms["timeout+deadline"].numbers == {"timeout": FAST, "deadline": {"margin_s": 0.1}}
    assert arms["hedging_alone"].numbers == {}
    assert arms["none"] == asked.control


def test_what_all_arms_have_on_keeps_the_numbers_of_the_control() -> None:
    """Whatever the arm of a defence sets besides."""
    asked = with_arms(
        Arm(name="patient", defences=("deadline",), numbers={"timeout": SLOW, "deadline": {"margin_s": 0.2}}),
        base=("timeout",),
        control=Arm(name="one", numbers={"timeout": FAST, "bulkhead": {"permits": 1}}),
    )
    arms = {arm.name: arm for arm in matrix_arms(asked, ("deadline", "retry"))}
    assert arms["deadline_alone"].numbers == {"timeout": FAST, "deadline": {"margin_s": 0.2}}
    assert arms["deadline+retry"].defences == ("deadline", "retry")


def test_the_defences_are_those_that_arms_name() -> None:
    """Besides what all have on; a preset names none."""
    asked = with_arms(
        Arm(name="a", defences=("timeout", "deadline")),
        Arm(name="b", defences=("retry", "deadline")),
        Arm(name="all", preset="all"),
        base=("timeout",),
    )
    assert chosen_defences(asked, ()) == ("deadline", "retry")
    assert chosen_defences(asked, ("hedging", "retry", "hedging")) == ("hedging", "retry")


@pytest.mark.parametrize(
    ("on", "asked", "told"),
    [
        (("a",), ("speed",), "'speed' is not a defence; there are: "),
        (("a",), ("timeout", "retry"), "timeout is on in every arm of sample; leave it out"),
        (("retry",), (), "a matrix needs 2 defences, not retry; name them"),
        ((), (), "a matrix needs 2 defences, not none"),
        (
            ("retry", "hedging", "deadline", "bulkhead", "lease"), (),
            "sample has 5 defences in its arms: retry, hedging, deadline, bulkhead, lease; choose 2 to 6",
        ),
        (
            (), ("retry", "hedging", "deadline", "bulkhead", "lease", "coalescing", "ttl_jitter"),
            "a matrix of 7 defences takes too long; name 6 at most",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_combined(on: tuple[str, ...], asked: tuple[str, ...], told: str) -> None:
    """Is said in one line, with the remedy."""
    with pytest.raises(UsageProblem) as problem:
        chosen_defences(with_arms(*(Arm(name=name, defences=(name,)) for name in on), base=("timeout",)), asked)
    assert str(problem.value).startswith(told)
    assert str(problem.value).count("\n") == 0


def test_a_service_of_ones_own_has_no_defences_to_combine() -> None:
    """Nobody can switch them."""
    own = OwnSystem(path="x.toml", text="", folder=".", target="127.0.0.1:1")
    with pytest.raises(UsageProblem, match="a service of your own"):
        chosen_defences(experiment(own=own), ("timeout", "retry"))
