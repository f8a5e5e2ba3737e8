"""A series of pairs of the same: how much they differ, the smallest effect that can be told, false calls."""

import random
from statistics import stdev
from typing import Any

import orjson
import pytest

from rulezero.analysis.noise import Noise, NoiseFloor, as_json, noise_floor
from rulezero.analysis.paired import ERROR_RATE, half_width
from rulezero.series import Entry
from tests.analysis.pair_series import entry, series

AGAIN = "none_again"


def found(*entries: Entry, **asked: Any) -> NoiseFloor:
    return noise_floor(series(*entries, kind="aa", **{"treatments": [AGAIN], "pairs": 20, **asked}))


def pairs(*both: tuple[float, float]) -> list[Entry]:
    return [
        entry(number, {"none": {"goodput": value}, AGAIN: {"goodput": again}})
        for number, (value, again) in enumerate(both, 1)
    ]


def noisy(count: int, *, seed: int = 1, later: float = 0.0) -> list[Entry]:
    """Return pairs whose second run, in order, is better by `later`."""
    rng = random.Random(seed)
    return pairs(
        *(
            (0.5 + rng.gauss(0, 0.01) + later * (number % 2), 0.5 + rng.gauss(0, 0.01) + later * (1 - number % 2))
            for number in range(count)
        )
    )


def goodput(floor: NoiseFloor) -> Noise:
    (only,) = floor.measures
    assert only.measure == "goodput"
    return only


def test_the_smallest_effect_is_that_of_eight_pairs() -> None:
    """Half the width of the interval that `rulezero ab` gives at its last look, by the deviation found here."""
    entries = noisy(20)
    differences = [one.arms[AGAIN]["goodput"] - one.arms["none"]["goodput"] for one in entries]  # type: ignore[operator]  # Made above.
    noise = goodput(found(*entries))
    assert noise.resolved == pytest.approx(half_width(stdev(differences), 8, error_rate=ERROR_RATE / 3))
    assert noise.again.low < 0 < noise.again.high
    assert noise.mean == pytest.approx(0.5, abs=0.02)


def test_noise_is_seldom_called() -> None:
    """In few of the draws with random signs, and seldom in eight pairs as they came."""
    noise = goodput(found(*noisy(20)))
    assert 0 <= noise.resampled < 0.05
    assert noise.blocks == 2
    assert noise.blocks_called <= 1


def test_blocks_are_taken_as_they_came() -> None:
    """Eight pairs in a row that all differ the same way, as on a machine that another job slows down, are called."""
    drift = [(0.5, 0.6 + 0.001 * (number % 3)) for number in range(8)]
    calm = [(0.5, 0.5 + 0.001 * (number % 3 - 1)) for number in range(9)]
    noise = goodput(found(*pairs(*drift, *calm)))
    assert (noise.blocks, noise.blocks_called) == (2, 1)


def test_the_place_in_the_order_shows() -> None:
    """What runs second is better here: a difference by order, and none by name."""
    noise = goodput(found(*noisy(20, later=0.2)))
    assert noise.later.low > 0.15
    assert abs(noise.again.mean) < 0.05


def test_runs_that_do_not_differ_at_all() -> None:
    """Call nothing, and say nothing of the smallest effect: a floor of 0 would be believed."""
    floor = found(*pairs(*[(1.0, 1.0)] * 8))
    noise = goodput(floor)
    assert (noise.resolved, noise.resampled, noise.blocks_called) == (None, 0.0, 0)
    assert floor.floors == {}


def test_floors_take_eight_pairs() -> None:
    """The deviation of fewer says too little of that of others."""
    assert found(*noisy(7)).floors is None
    floors = found(*noisy(8)).floors
    assert floors is not None
    assert list(floors) == ["goodput"]


def test_the_yardstick_is_a_measure_too() -> None:
    """With a floor of its own, under the name that a comparison asks for."""
    entries = [
        entry(
            number,
            {"none": {"goodput": 0.5}, AGAIN: {"goodput": 0.5}},
            yardsticks={"none": 100.0, AGAIN: 100.0 + number % 3},
        )
        for number in range(1, 9)
    ]
    floors = found(*entries, yardstick={"name": "loads", "alone": False}).floors
    assert floors is not None
    assert list(floors) == ["yardstick"]


def test_one_pair_and_none() -> None:
    """One has no interval and no floor; none has no measures."""
    noise = goodput(found(*noisy(1)))
    assert (noise.resolved, noise.blocks, noise.resampled) == (None, 0, 0.0)
    assert found().measures == []


def test_when_it_is_over() -> None:
    """After all pairs, or too many that were invalid."""
    assert found(*noisy(19)).ending is None
    assert found(*noisy(20)).ending == "complete"
    bad = [entry(1, {"none": {}, AGAIN: {}}, valid=False) for _ in range(12)]
    assert found(*bad[:11]).ending is None
    assert found(*bad).ending == "invalid"


def test_the_same_series_says_the_same() -> None:
    """Draws are by the seed of the series; and all of it can be written."""
    one, other = found(*noisy(9)), found(*noisy(9))
    assert one == other
    content = orjson.loads(orjson.dumps(as_json(one)))
    assert content["floors"] == one.floors
    assert len(content["records"]) == 9
    assert content["measures"][0]["resolved"] == goodput(one).resolved
