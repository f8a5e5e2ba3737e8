"""The points of a sweep: what is varied, over which values, and in which order.

Corners and middle come first, then always the point that is farthest from all before it: whenever a sweep is ended,
what was measured is spread over the whole map.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from rulezero.errors import UsageProblem
from rulezero.experiment import Variants

AXES_MAX = 2
VALUES_MAX = 40

Point = dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """A parameter and the values that it is given, ascending."""

    name: str
    values: tuple[float, ...]


def read_axes(texts: Sequence[str], experiment: str, variants: Variants | None, steps: int) -> tuple[Axis, ...]:
    """Return what one or two options say: "load=0.3..0.95", "load=0.3..0.95:7" or "load=0.3,0.5,0.7".

    `steps` is the number of values of a range that says none.

    Raises:
        UsageProblem: They are malformed, or the experiment cannot be varied like that.

    """
    if variants is None:
        raise UsageProblem(f"{experiment} has nothing that can be varied; name an experiment that docs/sweep.md names")
    known = ", ".join(f"{name} from {low:g} to {high:g}" for name, (low, high) in variants.parameters.items())
    if not 1 <= len(texts) <= AXES_MAX:
        raise UsageProblem(f"a sweep needs one or two --vary, not {len(texts)}; {experiment} varies {known}")
    axes = tuple(_read(text, steps) for text in texts)
    for axis in axes:
        if axis.name not in variants.parameters:
            raise UsageProblem(f"{experiment} does not vary {axis.name!r}; it varies {known}")
        low, high = variants.parameters[axis.name]
        if axis.values[0] < low or axis.values[-1] > high:
            raise UsageProblem(f"{axis.name} must lie between {low:g} and {high:g}; correct --vary")
    if len({axis.name for axis in axes}) < len(axes):
        raise UsageProblem(f"{axes[0].name} is varied twice; give each --vary another name")
    return axes


def spread(axes: Sequence[Axis]) -> list[Point]:
    """Return the points of the grid in the order in which they are run, the same every time."""
    grid = list(product(*(range(len(axis.values)) for axis in axes)))
    places = [tuple(_place(index, axis) for index, axis in zip(one, axes, strict=True)) for one in grid]
    middle = min(range(len(places)), key=lambda one: math.dist(places[one], (0.5,) * len(axes)))
    order = [number for number, place in enumerate(places) if set(place) <= {0.0, 1.0}]
    if middle not in order:
        order.append(middle)
    gaps = [min(math.dist(place, places[taken]) for taken in order) for place in places]
    while len(order) < len(places):
        # Rounded: places that are equally far must not be told apart by the last bit.
        farthest = max(range(len(places)), key=lambda one: round(gaps[one], 9))
        order.append(farthest)
        gaps = [min(gap, math.dist(place, places[farthest])) for gap, place in zip(gaps, places, strict=True)]
    return [{axis.name: axis.values[index] for index, axis in zip(grid[one], axes, strict=True)} for one in order]


def key_of(point: Point) -> str:
    """Return what a point is called in a series: "load=0.3,stall_s=10"."""
    return ",".join(f"{name}={told(value)}" for name, value in point.items())


def told(value: float) -> str:
    """Return a value as one would type it."""
    return f"{value:.10g}"


def _place(index: int, axis: Axis) -> float:
    """Return where on its axis a value is, by its rank: 0 to 1, the middle where it is the only one."""
    return index / (len(axis.values) - 1) if len(axis.values) > 1 else 0.5


def _read(text: str, steps: int) -> Axis:
    name, equals, asked = text.partition("=")
    if not equals or not name.strip():
        raise UsageProblem(f"--vary {text!r} is not NAME=LOW..HIGH or NAME=VALUE,VALUE; correct it")
    values = _range(asked, text, steps) if ".." in asked else [_number(one, text) for one in asked.split(",")]
    if len(values) > VALUES_MAX:
        raise UsageProblem(f"--vary {text!r} has {len(values)} values; give at most {VALUES_MAX}")
    if len({told(value) for value in values}) < len(values):
        raise UsageProblem(f"--vary {text!r} has a value twice; name each once")
    return Axis(name=name.strip(), values=tuple(sorted(values)))


def _range(asked: str, text: str, steps: int) -> list[float]:
    low_text, _, rest = asked.partition("..")
    high_text, colon, steps_text = rest.partition(":")
    low, high = _number(low_text, text), _number(high_text, text)
    if colon:
        if not steps_text.strip().isdecimal():
            raise UsageProblem(f"--vary {text!r}: {steps_text!r} is no number of steps; give a whole number")
        steps = int(steps_text)
    if not low < high:
        raise UsageProblem(f"--vary {text!r} does not go up; write the lower end first")
    if not 2 <= steps <= VALUES_MAX:
        raise UsageProblem(f"a range has 2 to {VALUES_MAX} steps, not {steps}; correct --vary or --steps")
    # Ends as they were given; between them no more digits than one can read.
    inner = [float(f"{low + (high - low) * step / (steps - 1):.4g}") for step in range(1, steps - 1)]
    return [low, *inner, high]


def _number(word: str, text: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageProblem(f"--vary {text!r}: {word.strip()!r} is not a number; correct it")
    return value
