"""The arms of a matrix: nothing, each defence alone, every pair, all but one, and all; each set of defences once.

The numbers of a defence are those of the experiment's own arms. Where arms disagree, the one with the fewest defences
wins, and of those the first: its numbers were chosen for this defence. What all arms have on keeps the numbers of the
control. Settings of services are the control's too: a matrix compares defences alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rulezero.errors import UsageProblem
from rulezero.experiment import Arm, Experiment
from rulezero.toggles.settings import NAMES

DEFENCES_MIN, DEFENCES_DEFAULT, DEFENCES_MAX = 2, 4, 6
_NAIVE = "naive"  # Numbers that are meant to be bad.


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `asked` of a matrix holds. `floor` is the smallest effect that `rulezero aa` found, None without it."""

    defences: Annotated[list[str], Meta(min_length=DEFENCES_MIN)]
    pairs: Annotated[int, Meta(ge=1)]
    seed: int
    target: str
    control: str
    question: str
    yardstick: str | None
    definition: str
    floor: Annotated[float, Meta(ge=0)] | None


def chosen_defences(experiment: Experiment, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the defences to combine: those asked for, or those of the experiment's arms, besides what all have on.

    Raises:
        UsageProblem: A name is no defence, every arm has it on, they are too many or too few, or nothing of this system
            can be switched.

    """
    if experiment.own is not None:
        raise UsageProblem(f"{experiment.name} is a service of your own, whose defences nobody switches; compare arms")
    for name in asked:
        if name not in NAMES:
            raise UsageProblem(f"{name!r} is not a defence; there are: {', '.join(NAMES)}")
        if name in experiment.base:
            raise UsageProblem(f"{name} is on in every arm of {experiment.name}; leave it out of --defences")
    found = tuple(dict.fromkeys(asked)) or _of_arms(experiment)
    told = ", ".join(found) or "none"
    if not asked and len(found) > DEFENCES_DEFAULT:
        most = f"choose {DEFENCES_MIN} to {DEFENCES_MAX} with --defences"
        raise UsageProblem(f"{experiment.name} has {len(found)} defences in its arms: {told}; {most}")
    if len(found) < DEFENCES_MIN:
        raise UsageProblem(f"a matrix needs {DEFENCES_MIN} defences, not {told}; name them with --defences")
    if len(found) > DEFENCES_MAX:
        raise UsageProblem(f"a matrix of {len(found)} defences takes too long; name {DEFENCES_MAX} at most")
    return found


def subsets(defences: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the sets of defences that a matrix runs, the empty one first, none twice."""
    count = len(defences)
    sizes = dict.fromkeys(size for size in (0, 1, 2, count - 1, count) if size >= 0)
    return [chosen for size in sorted(sizes) for chosen in combinations(defences, size)]


def arm_name(defences: Sequence[str], control: str) -> str:
    """Return what an arm is called: never as an arm of the experiment, which may have more on under that name."""
    if not defences:
        return control
    return "+".join(defences) if len(defences) > 1 else f"{defences[0]}_alone"


def matrix_arms(experiment: Experiment, defences: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms, the experiment's own control first."""
    control = experiment.control
    return tuple(
        Arm(name=arm_name(chosen, control.name), defences=chosen, numbers=_numbers(experiment, chosen))
        if chosen
        else control
        for chosen in subsets(defences)
    )


def _numbers(experiment: Experiment, defences: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    merged = {name: numbers for name, numbers in experiment.control.numbers.items() if name in experiment.base}
    for defence in defences:
        switching = [arm for arm in experiment.arms if defence in _switched_on(arm) and defence in arm.numbers]
        if switching:
            merged[defence] = min(switching, key=lambda arm: len(_switched_on(arm))).numbers[defence]
    return merged


def _of_arms(experiment: Experiment) -> tuple[str, ...]:
    """Return the defences that arms name; one that has simply all on names none."""
    named = (name for arm in experiment.arms if arm.preset is None for name in arm.defences)
    return tuple(name for name in dict.fromkeys(named) if name not in experiment.base)


def _switched_on(arm: Arm) -> tuple[str, ...]:
    if arm.preset is None:
        return arm.defences
    if arm.preset == "all":
        return NAMES
    return () if arm.preset == _NAIVE else (arm.preset,)
