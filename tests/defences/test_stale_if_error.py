from typing import Any

import msgspec
import pytest

from rulezero.defences.coalescing import WaitTimedOut
from rulezero.defences.stale_if_error import StaleIfError, StaleIfErrorConfig
from rulezero.outcome import CallError, Failed, NotSent, Rejected, TimedOut
from tests.defences.fakes import Dependency, RecordingTeller, context, failed, found, now_s, operation


def stale_if_error(teller: RecordingTeller | None = None, *, stale_s: float = 60.0) -> StaleIfError:
    return StaleIfError(StaleIfErrorConfig(stale_s=stale_s), context(teller))


def read(fresh_s: float | None, **changes: Any) -> Any:
    entry = None if fresh_s is None else found(fresh_s=fresh_s)
    return operation(name="read items", key="42", entry=entry, ttl_s=60.0, **changes)


@pytest.mark.parametrize("error", [Failed("x"), TimedOut("x"), Rejected("x"), NotSent("x"), WaitTimedOut("x")])
async def test_a_stale_entry_takes_the_place_of_an_error(error: CallError) -> None:
    """Whatever kind of failure it was; it is told."""
    teller = RecordingTeller()
    assert await stale_if_error(teller)(read(-10.0), Dependency(error)) == "found"
    assert teller.names == ["served_stale"]
    assert teller.detail("served_stale") == {"stale_for_s": 10.0, "outcome": error.outcome}


async def test_a_good_load_is_served() -> None:
    """Stale is for errors only: the origin is asked each time."""
    teller, origin = RecordingTeller(), Dependency("new")
    assert await stale_if_error(teller)(read(-10.0), origin) == "new"
    assert (len(origin.calls), teller.names) == (1, [])


@pytest.mark.parametrize(("fresh_s", "served"), [(-59.0, True), (-60.0, True), (-60.1, False), (-9999.0, False)])
async def test_nothing_older_than_the_bound_is_served(fresh_s: float, *, served: bool) -> None:
    """Pitfall: no bound, origin down = stale for ever."""
    teller = RecordingTeller()
    layer = stale_if_error(teller)
    if served:
        assert await layer(read(fresh_s), Dependency(failed())) == "found"
    else:
        with pytest.raises(Failed):
            await layer(read(fresh_s), Dependency(failed()))
    assert teller.names == ["served_stale" if served else "too_stale"]


async def test_an_entry_ages_while_the_load_is_tried() -> None:
    """Within the bound when it was found, and not any more when the load has failed."""
    with pytest.raises(Failed):
        await stale_if_error(stale_s=60.0)(read(-55.0), Dependency(failed(), latency_s=6.0))
    assert await stale_if_error(stale_s=60.0)(read(-55.0), Dependency(failed(), latency_s=4.0)) == "found"
    assert now_s() == pytest.approx(10.0)


async def test_without_an_entry_the_error_is_the_answer() -> None:
    """Pitfall: serving stale after an explicit invalidation. A deleted key has nothing stale to serve."""
    error, teller = failed(), RecordingTeller()
    with pytest.raises(Failed) as caught:
        await stale_if_error(teller)(read(None), Dependency(error))
    assert (caught.value, teller.names) == (error, [])


@pytest.mark.parametrize("error", [ValueError("a bug"), TimeoutError()])
async def test_what_is_no_outcome_of_a_call_is_not_hidden(error: Exception) -> None:
    """A bug stays one."""
    with pytest.raises(type(error)):
        await stale_if_error()(read(-1.0), Dependency(error))


@pytest.mark.parametrize(("keep_s", "kept_s"), [(0.0, 60.0), (30.0, 60.0), (90.0, 90.0)])
async def test_what_is_loaded_is_kept_for_as_long_as_it_may_be_served(keep_s: float, kept_s: float) -> None:
    """Or longer, when another defence wants that."""
    origin = Dependency()
    for fresh_s in (None, 5.0, -5.0):
        await stale_if_error()(read(fresh_s, keep_s=keep_s), origin)
    assert [call.keep_s for call in origin.calls] == [kept_s] * 3


def test_numbers_that_make_no_sense_are_refused_by_name() -> None:
    """Stale for no time at all."""
    with pytest.raises(msgspec.ValidationError, match="stale_s"):
        msgspec.convert({"stale_s": 0}, StaleIfErrorConfig)
