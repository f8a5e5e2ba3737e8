"""Finds what a checkout holds, by path: rulezero imports no experiment, service or locustfile by name."""

import hashlib
import importlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from rulezero.errors import UsageProblem
from rulezero.experiment import Arm, Experiment

EXPERIMENTS = Path("experiments")
TOXICS = Path("toxics")
SHOP = Path("services/lab.toml")
DEFENCES = Path("services/config/defences.toml")
RUNS = Path("runs")


def require_checkout() -> Path:
    """Return the root of the checkout, which is the working directory, and make its folders importable.

    Raises:
        UsageProblem: The working directory is no checkout.

    """
    root = Path.cwd()
    if not (root / EXPERIMENTS).is_dir() or not (root / SHOP).is_file():
        raise UsageProblem(
            f"{root} is not a checkout of rulezero (no {EXPERIMENTS}/); change to the folder that has it"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return root


def experiment_names() -> tuple[str, ...]:
    """Return the names of the experiments: the files under experiments/."""
    return tuple(sorted(path.stem for path in (require_checkout() / EXPERIMENTS).glob("[!_]*.py")))


def load_experiment(name: str) -> Experiment:
    """Return an experiment by name.

    Raises:
        UsageProblem: There is none of that name, its file is malformed, or it defines none.

    """
    names = experiment_names()
    if name not in names:
        raise UsageProblem(f"there is no experiment {name!r}; there are: {', '.join(names)}")
    try:
        module = importlib.import_module(f"{EXPERIMENTS.name}.{name}")
    except Exception as error:  # noqa: BLE001 - the file is the user's: whatever it raises is told in one line.
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageProblem(f"{EXPERIMENTS}/{name}.py cannot be loaded: {told}; correct it") from None
    experiment = getattr(module, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise UsageProblem(f"{EXPERIMENTS}/{name}.py defines no EXPERIMENT; see CONTRIBUTING.md")
    return experiment


def load_variant(name: str, point: object) -> Experiment:
    """Return an experiment by name as it is at a point of a sweep; without a point, as its file has it.

    `point` comes from a manifest, so it may be anything.

    Raises:
        UsageProblem: As `load_experiment`, and when the experiment cannot be varied like that today.

    """
    try:
        known = msgspec.convert(point or {}, dict[str, float])
    except msgspec.ValidationError as error:
        raise UsageProblem(f"manifest.json: `variant` is not a number for each name ({error}); run it again") from None
    experiment = load_experiment(name)
    return at_point(experiment, known) if known else experiment


def at_point(experiment: Experiment, point: Mapping[str, float]) -> Experiment:
    """Return the variant of an experiment at a point. Raises UsageProblem when it cannot be varied like that."""
    if experiment.variants is None:
        raise UsageProblem(f"{experiment.name} has nothing that can be varied; see docs/sweep.md")
    try:
        built = experiment.variants.build(**point)
    except Exception as error:  # noqa: BLE001 - the file is the user's: whatever it raises is told in one line.
        told = ", ".join(f"{name}={value:g}" for name, value in point.items())
        raise UsageProblem(f"{experiment.name} cannot be varied to {told}: {error}; correct it") from None
    return replace(built, variant=dict(point))


def fingerprint(name: str) -> str:
    """Return a hash of an experiment's file and of all toxics: what a record was measured by and is judged by."""
    root = require_checkout()
    files = [root / EXPERIMENTS / f"{name}.py", *sorted((root / TOXICS).glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def choose_arms(experiment: Experiment, names: tuple[str, ...]) -> tuple[Arm, ...]:
    """Return the named arms in the order given, or all of them for no names.

    Raises:
        UsageProblem: The experiment has no arm of that name, or one is named twice.

    """
    arms = {arm.name: arm for arm in experiment.arms}
    for name in names:
        if name not in arms:
            raise UsageProblem(f"{experiment.name} has no arm {name!r}; there are: {', '.join(arms)}")
    if len(set(names)) != len(names):
        raise UsageProblem("an arm is named twice; name each once")
    return tuple(arms[name] for name in names) if names else experiment.arms
