from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.ttl_jitter import TtlJitter, TtlJitterConfig, jittered_s
from tests.defences.fakes import Dependency, RecordingTeller, context, found, operation

READ = operation(name="read items", key="42", ttl_s=60.0)
SEED = 11


@given(ttl_s=st.floats(0.001, 86_400), jitter=st.floats(0.001, 0.999), seed=st.integers(0, 2**32))
def test_a_time_to_live_stays_within_its_bounds(ttl_s: float, jitter: float, seed: int) -> None:
    """Never zero, never negative."""
    drawn_s = jittered_s(ttl_s, jitter, Random(seed))
    assert ttl_s * (1 - jitter) * 0.999999 <= drawn_s <= ttl_s * (1 + jitter) * 1.000001
    assert drawn_s > 0


def test_on_average_nothing_changes() -> None:
    """The hit rate stays; and the draws fill the whole width."""
    random = Random(SEED)
    drawn = [jittered_s(1.0, 0.5, random) for _ in range(20_000)]
    assert sum(drawn) / len(drawn) == pytest.approx(1.0, abs=0.01), f"seed {SEED}"
    assert [min(drawn), max(drawn)] == pytest.approx([0.5, 1.5], abs=0.01), f"seed {SEED}"


async def test_keys_written_together_expire_apart() -> None:
    """Pitfall: peak of M in one instant. Spread over 12 s, no second has more than a fifth above M / (2 j ttl)."""
    layer, origin = TtlJitter(TtlJitterConfig(jitter=0.1), context(seed=SEED)), Dependency()
    for _ in range(6000):
        await layer(READ, origin)
    per_second = [0] * 12
    for call in origin.calls:
        per_second[min(int(call.ttl_s - 54.0), 11)] += 1
    assert max(per_second) < 1.2 * 6000 / (2 * 0.1 * 60), f"seed {SEED}"
    assert min(per_second) > 0.8 * 6000 / (2 * 0.1 * 60), f"seed {SEED}"


async def test_only_the_time_to_live_is_changed() -> None:
    """How long it is kept after that is not its business."""
    layer, origin = TtlJitter(TtlJitterConfig(), context()), Dependency()
    asked = operation(key="42", ttl_s=60.0, keep_s=30.0, deadline_s=9.0)
    assert await layer(asked, origin) == "reply"
    (call,) = origin.calls
    assert call == operation(key="42", ttl_s=call.ttl_s, keep_s=30.0, deadline_s=9.0)
    assert call.ttl_s != 60.0


async def test_reads_of_fresh_entries_are_no_decision() -> None:
    """They load nothing, but for a few that renew early, whose time to live is jittered too."""
    teller, origin = RecordingTeller(), Dependency()
    layer = TtlJitter(TtlJitterConfig(), context(teller))
    await layer(operation(key="42", ttl_s=60.0, entry=found(fresh_s=1.0)), origin)
    assert teller.names == []
    await layer(operation(key="42", ttl_s=60.0, entry=found(fresh_s=-1.0)), origin)
    await layer(READ, origin)
    assert teller.names == ["jittered"] * 2
    assert len({60.0, *(call.ttl_s for call in origin.calls)}) == 4


@pytest.mark.parametrize("numbers", [{"jitter": 0}, {"jitter": 1}, {"jitter": -0.1}])
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any]) -> None:
    """No jitter at all, or a time to live of nothing."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(numbers))):
        msgspec.convert(numbers, TtlJitterConfig)
