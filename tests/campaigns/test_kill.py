"""A small slice of `make kill`."""

from random import Random

import pytest

from campaigns.kill.campaign import Campaign
from campaigns.kill.in_run import VICTIMS
from campaigns.kill.moments import Rehearsal
from campaigns.kill.place import LOAD_S, open_place

pytestmark = [pytest.mark.wall_clock, pytest.mark.end_to_end]

KILLS = 3
# What a quiet machine shows; how far it is off only moves the moments.
TYPICAL = Rehearsal(
    load_began_s=3.0,
    first_s=dict.fromkeys(VICTIMS, 0.5) | {"locust": 2.5, "runner": 0.0},
    last_s=dict.fromkeys(VICTIMS, 3.0 + LOAD_S + 0.2),
)


def test_a_slice_of_the_campaign_finds_nothing() -> None:
    """A part, the keeper and the runner, each at a random moment; a new seed each time, told when it fails."""
    seed = Random().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - a failure can be repeated with it.
    with open_place() as place:
        victims = ("runner", "keeper", Random(seed).choice([one for one in VICTIMS if one not in ("runner", "keeper")]))
        result = Campaign(place, TYPICAL, Random(seed), print).run(KILLS, victims)
    assert result.texts == []
    assert result.kills.total() == KILLS


def test_every_stage_is_as_likely() -> None:
    """And a moment lies in its stage and in the victim's life."""
    random = Random(1)
    moments = [TYPICAL.draw("locust", random) for _ in range(3000)]
    for stage, low_s, high_s in (("start", 2.5, 3.0), ("load", 0.0, LOAD_S), ("end", LOAD_S, LOAD_S + 0.2)):
        found = [moment for moment in moments if moment.stage == stage]
        assert 850 < len(found) < 1150
        assert all(low_s <= moment.after_s <= high_s for moment in found)


def test_a_start_is_measured_anew() -> None:
    """On a machine that has become twice as slow, moments of the start come twice as late, the others as before."""
    slow = TYPICAL.at_pace(6.0)
    assert (slow.load_began_s, slow.first_s["locust"]) == (6.0, 5.0)
    assert slow.last_s["edge"] - slow.load_began_s == pytest.approx(LOAD_S + 0.2)
