"""What --vary says, and the order of the points."""

import math

import pytest

from rulezero.analysis.sweep_points import Axis, key_of, read_axes, spread
from rulezero.errors import UsageProblem
from rulezero.experiment import Experiment, Variants
from tests.analysis.records import experiment


def build(**_: float) -> Experiment:
    return experiment()


VARIANTS = Variants(parameters={"load": (0.3, 0.95), "stall_s": (1, 10)}, build=build, predicted=lambda _, __: None)


def values(*texts: str, steps: int = 5) -> list[tuple[str, tuple[float, ...]]]:
    return [(axis.name, axis.values) for axis in read_axes(texts, "storm", VARIANTS, steps)]


def test_a_range_has_steps() -> None:
    """Its own, or those of all; its ends stay as they were given."""
    assert values("load=0.3..0.95") == [("load", (0.3, 0.4625, 0.625, 0.7875, 0.95))]
    assert values("load=0.3..0.95:2", "stall_s=1..10", steps=4) == [("load", (0.3, 0.95)), ("stall_s", (1, 4, 7, 10))]
    assert values("load=0.4..0.9:4") == [("load", (0.4, 0.5667, 0.7333, 0.9))]


def test_values_by_themselves() -> None:
    """In any order, with spaces; one is enough."""
    assert values("load=0.7, 0.3,0.5") == [("load", (0.3, 0.5, 0.7))]
    assert values("load=0.5", "stall_s=2") == [("load", (0.5,)), ("stall_s", (2,))]


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ((), "a sweep needs one or two --vary, not 0; storm varies load from 0.3 to 0.95, stall_s from 1 to 10"),
        (("load=0.5", "stall_s=2", "load=0.6"), "one or two --vary, not 3"),
        (("load",), "--vary 'load' is not NAME=LOW..HIGH"),
        (("=0.3..0.9",), "is not NAME=LOW..HIGH"),
        (("lode=0.5",), "storm does not vary 'lode'; it varies load from"),
        (("load=0.5", "load=0.6"), "load is varied twice"),
        (("load=",), "'' is not a number"),
        (("load=much",), "'much' is not a number"),
        (("load=nan",), "'nan' is not a number"),
        (("load=0.3..inf",), "'inf' is not a number"),
        (("load=0.3..",), "'' is not a number"),
        (("load=0.9..0.3",), "does not go up"),
        (("load=0.5..0.5",), "does not go up"),
        (("load=0.3..0.9:x",), "'x' is no number of steps"),
        (("load=0.3..0.9:",), "'' is no number of steps"),
        (("load=0.3..0.9:1",), "a range has 2 to 40 steps, not 1"),
        (("load=0.3..0.9:1000000000",), "a range has 2 to 40 steps, not 1000000000"),
        (("load=0.2..0.9",), "load must lie between 0.3 and 0.95"),
        (("stall_s=2,11",), "stall_s must lie between 1 and 10"),
        (("load=0.5,0.50",), "has a value twice"),
        ((f"load={','.join(['0.5'] * 41)}",), "has 41 values; give at most 40"),
    ],
)
def test_what_cannot_be_varied_is_one_line(texts: tuple[str, ...], told: str) -> None:
    """It names what was wrong."""
    with pytest.raises(UsageProblem) as problem:
        values(*texts)
    assert told in str(problem.value)
    assert "\n" not in str(problem.value)


def test_an_experiment_that_cannot_be_varied() -> None:
    """Told by its name."""
    with pytest.raises(UsageProblem, match="storm has nothing that can be varied"):
        read_axes(["load=0.5"], "storm", None, 5)


def test_corners_and_middle_come_first_and_every_point_once() -> None:
    """The same order every time."""
    axes = (Axis(name="x", values=(1, 2, 3, 4, 5)), Axis(name="y", values=(10, 20, 30)))
    order = [tuple(point.values()) for point in spread(axes)]
    assert set(order[:4]) == {(1, 10), (1, 30), (5, 10), (5, 30)}
    assert order[4] == (3, 20)
    assert sorted(order) == [(x, y) for x in (1, 2, 3, 4, 5) for y in (10, 20, 30)]
    assert order == [tuple(point.values()) for point in spread(axes)]


def test_whatever_ends_a_sweep_what_was_measured_is_spread() -> None:
    """After a third of the points no other one is far from all of them."""
    axes = tuple(Axis(name=name, values=tuple(range(9))) for name in "xy")
    order = [tuple(point.values()) for point in spread(axes)]
    measured = order[: len(order) // 3]
    assert max(min(math.dist(point, one) for one in measured) for point in order) <= 2


@pytest.mark.parametrize(("count", "order"), [(1, [0]), (2, [0, 1]), (3, [0, 2, 1]), (5, [0, 4, 2, 1, 3])])
def test_a_row(count: int, order: list[float]) -> None:
    """Ends, middle, and what lies between."""
    assert [point["x"] for point in spread((Axis(name="x", values=tuple(range(count))),))] == order


def test_keys_say_the_point() -> None:
    """As one would type it."""
    assert key_of({"load": 0.3, "stall_s": 10.0}) == "load=0.3,stall_s=10"
