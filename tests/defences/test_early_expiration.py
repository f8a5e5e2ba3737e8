import asyncio
import math
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rulezero.calls import Operation
from rulezero.defences.background import Background
from rulezero.defences.context import Context
from rulezero.defences.early_expiration import EarlyExpiration, EarlyExpirationConfig, is_due, scale_s
from tests.defences.fakes import Dependency, RecordingTeller, context, failed, found, now_s, operation, settle

ALMOST_ONE = math.nextafter(1.0, 0.0)
SEED = 5


class Drawing(Random):
    """Draws always the same."""

    def __init__(self, drawn: float) -> None:
        super().__init__(0)
        self._drawn = drawn

    def random(self) -> float:
        return self._drawn


def early(drawn: float, teller: RecordingTeller | None = None, **numbers: Any) -> EarlyExpiration:
    """Return the defence with readers that all draw this: 0 never renews, almost 1 does when it can."""
    surroundings = Context(
        dependency="items", caller="catalog", teller=teller or RecordingTeller(), random=Drawing(drawn)
    )
    return EarlyExpiration(EarlyExpirationConfig(**numbers), surroundings)


def read(fresh_s: float | None, *, load_s: float = 0.3, ttl_s: float = 60.0) -> Operation:
    entry = None if fresh_s is None else found(fresh_s=fresh_s, load_s=load_s)
    return operation(name="read items", key="42", entry=entry, ttl_s=ttl_s, deadline_s=9.0)


class Items(Dependency):
    """The inside of the cache family: a fresh entry is served, all else takes a load."""

    async def __call__(self, asked: Operation) -> Any:
        if asked.entry is not None and asked.entry.fresh:
            return asked.entry.value
        return await super().__call__(asked)


@given(fresh_s=st.floats(1e-6, 1e5), scale=st.floats(0, 1e4), uniform=st.floats(0, ALMOST_ONE))
@example(fresh_s=1e-6, scale=1e4, uniform=0.0)
@example(fresh_s=1.0, scale=1.0, uniform=ALMOST_ONE)
def test_any_draw_has_a_logarithm(fresh_s: float, scale: float, uniform: float) -> None:
    """Pitfall: log(0). A draw of 0 never renews; the largest there is, 37 times beta * delta ahead at most."""
    due = is_due(fresh_s, scale, uniform)
    assert not (due and uniform == 0)
    assert not (due and fresh_s > 37 * scale)


def test_the_share_of_readers_that_renew_falls_with_what_is_left() -> None:
    """exp(-left / (beta * delta)): one in e of those who come one load time before the end."""
    random = Random(SEED)
    for loads_ahead in (0.1, 1.0, 2.0):
        share = sum(is_due(loads_ahead * 0.3, 0.3, random.random()) for _ in range(20_000)) / 20_000
        assert share == pytest.approx(math.exp(-loads_ahead), abs=0.01), f"seed {SEED}"


@pytest.mark.parametrize("load_s", [59.0, 60.0, 6000.0])
async def test_a_load_as_long_as_the_time_to_live_is_not_one_load_per_read(load_s: float) -> None:
    """Pitfall: delta * beta >= TTL. Its weight is limited: of readers right after a renewal, e^-4 renew."""
    assert scale_s(load_s, 60.0, EarlyExpirationConfig()) == 15.0
    teller, origin = RecordingTeller(), Items()
    layer = EarlyExpiration(EarlyExpirationConfig(), context(teller, seed=SEED))
    for _ in range(2000):
        await layer(read(60.0, load_s=load_s), origin)
        await settle()
    assert 0 < len(origin.calls) / 2000 < 2 * math.exp(-4), f"seed {SEED}"
    assert teller.names.count("capped") == len(origin.calls)


@pytest.mark.parametrize("fresh_s", [None, 0.0, -5.0])
async def test_what_is_missing_or_expired_is_an_ordinary_miss(fresh_s: float | None) -> None:
    """Pitfall: cold keys see ordinary misses. Nothing is drawn."""
    teller, origin = RecordingTeller(), Items()
    asked = read(fresh_s)
    assert await early(ALMOST_ONE, teller)(asked, origin) == "reply"
    assert (origin.calls, teller.names) == ([asked], [])


async def test_who_is_not_chosen_passes() -> None:
    """With the operation as it came, and without a word."""
    teller, seen = RecordingTeller(), Dependency()
    asked = read(0.1)
    await early(0.0, teller)(asked, seen)
    assert (seen.calls, teller.names) == ([asked], [])


async def test_the_chosen_reader_does_not_wait_and_its_renewal_has_not_its_deadline() -> None:
    """Pitfall: the chosen request pays delta. It is given the entry that it found."""
    teller, origin = RecordingTeller(), Items(latency_s=20.0)
    layer = early(ALMOST_ONE, teller, refresh_timeout_s=30.0)
    asked = read(0.1)
    assert await layer(asked, origin) == "found"
    assert now_s() == 0
    await asyncio.sleep(25)
    (call,) = origin.calls
    assert (call.deadline_s, origin.cancelled) == (None, 0)
    assert call.entry is not None
    assert (call.entry.fresh, call.entry.version) == (False, "v0")
    assert teller.names == ["refreshed"]


async def test_in_the_foreground_the_chosen_reader_waits_for_what_it_renews() -> None:
    """As in the paper; with its own deadline."""
    origin = Items("new", latency_s=0.3)
    assert await early(ALMOST_ONE, background=False)(read(0.1), origin) == "new"
    assert now_s() == pytest.approx(0.3)
    assert [call.deadline_s for call in origin.calls] == [9.0]


@pytest.mark.parametrize(("latency_s", "served"), [(0.3, True), (0.6, False)])
async def test_in_the_foreground_a_failed_renewal_costs_the_reader_nothing_but_time(
    latency_s: float, *, served: bool
) -> None:
    """The entry that it found is still good, unless it has expired meanwhile."""
    teller, origin = RecordingTeller(), Items(failed(), latency_s=latency_s)
    call = early(ALMOST_ONE, teller, background=False)(read(0.5), origin)
    if served:
        assert await call == "found"
    else:
        with pytest.raises(type(failed())):
            await call
    assert teller.names == ["refreshed", "refresh_failed"]


@pytest.mark.parametrize("origin", [Items(failed()), Items(latency_s=3600.0)], ids=["fails", "hangs"])
async def test_a_renewal_that_fails_or_hangs_is_told_and_ends(origin: Items) -> None:
    """Nobody waited for it."""
    teller = RecordingTeller()
    assert await early(ALMOST_ONE, teller, refresh_timeout_s=10.0)(read(0.1), origin) == "found"
    await asyncio.sleep(11)
    assert (teller.names, origin.running) == (["refreshed", "refresh_failed"], 0)


@pytest.mark.parametrize("background", [True, False])
async def test_a_failed_renewal_is_not_repeated_by_every_reader(*, background: bool) -> None:
    """Pitfall: near the end every reader draws it. 500 within 5 s start five, one a second; the others are served."""
    origin = Items(failed())
    layer = early(ALMOST_ONE, background=background, backoff_s=1.0)
    for _ in range(500):
        assert await layer(read(0.1), origin) == "found"
        await asyncio.sleep(0.01)
    assert len(origin.calls) == pytest.approx(5, abs=1)


async def test_renewals_are_bounded() -> None:
    """Beyond the bound the entry is served and nothing is started."""
    teller, origin = RecordingTeller(), Items(latency_s=5.0)
    background = Background(tasks_max=2)
    surroundings = Context(
        dependency="items", caller="catalog", teller=teller, random=Drawing(ALMOST_ONE), background=background
    )
    layer = EarlyExpiration(EarlyExpirationConfig(), surroundings)
    assert [await layer(read(0.1), origin) for _ in range(5)] == ["found"] * 5
    await settle()
    assert (origin.running, teller.names.count("refresh_refused")) == (2, 3)
    await background.close()


@pytest.mark.parametrize(
    "numbers",
    [{"beta": 0}, {"beta": -1}, {"advance_max": 0}, {"advance_max": 1.5}, {"refresh_timeout_s": 0}, {"backoff_s": 0}],
)
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any]) -> None:
    """Never early, always early, or renewals that hang for ever."""
    with pytest.raises(msgspec.ValidationError, match=next(iter(numbers))):
        msgspec.convert(numbers, EarlyExpirationConfig)
