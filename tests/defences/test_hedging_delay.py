"""When the copy goes out, how much load it adds, and what it buys."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulezero.calls import Operation
from rulezero.defences.hedging import Hedging, HedgingConfig
from rulezero.outcome import Failed, TimedOut
from tests.defences.fakes import OPERATION, Dependency, RecordingTeller, cancel, context, now_s, outcomes
from tests.virtual_time import run_virtual


class Served:
    """Answers after a time that `draw` gives, anew for each copy."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.firsts = 0
        self.hedges = 0

    async def __call__(self, asked: Operation) -> str:
        self.hedges += asked.hedge
        self.firsts += not asked.hedge
        await asyncio.sleep(self.draw(asked))
        return "reply"


def mixture(random: Random, slow_share: float) -> Any:
    """Lognormal around 10 ms, of which a share takes a second more."""
    return lambda _: random.lognormvariate(-4.605, 0.4) + (random.random() < slow_share)


async def run(layer: Hedging, served: Any, *, calls: int, per_s: float = 100.0) -> list[float]:
    """Offer calls at a steady rate, whatever becomes of them, and return how long each took."""
    took_s = []

    async def one() -> None:
        start_s = now_s()
        await outcomes([layer(OPERATION, served)])
        took_s.append(now_s() - start_s)

    tasks = []
    for _ in range(calls):
        tasks.append(asyncio.create_task(one()))
        await asyncio.sleep(1 / per_s)
    await asyncio.gather(*tasks)
    return took_s


def percentile(took_s: list[float], share: float) -> float:
    return sorted(took_s)[int(share * len(took_s))]


async def test_pitfall_no_copy_goes_out_before_enough_is_known() -> None:
    """Cold-start guard: 99 slow calls in a row are not hedged, and once 100 are known the next refresh sets a delay."""
    teller = RecordingTeller()
    layer = Hedging(HedgingConfig(samples_min=100, refresh_s=3.0), context(teller))
    served = Served(lambda _: 0.05)
    await run(layer, served, calls=99, per_s=1000)
    await asyncio.sleep(3)
    await outcomes([layer(OPERATION, Dependency(latency_s=60.0))])
    assert (served.hedges, teller.names) == (0, [])
    await run(layer, served, calls=110, per_s=1000)
    await asyncio.sleep(3)
    copied = Dependency(latency_s=1.0)
    await outcomes([layer(OPERATION, copied)])
    assert teller.names == ["hedged", "primary_won"]
    assert copied.called_at_s[1] - copied.called_at_s[0] == pytest.approx(0.05, rel=0.05)


async def test_after_a_silence_longer_than_the_window_it_is_cold_again() -> None:
    """What was known an hour ago says nothing about now."""
    teller = RecordingTeller()
    layer = Hedging(HedgingConfig(), context(teller))
    await run(layer, Served(lambda _: 0.01), calls=500)
    await asyncio.sleep(3600)
    await outcomes([layer(OPERATION, Dependency(latency_s=5.0))])
    assert teller.names == []


async def test_pitfall_fast_failures_do_not_shorten_the_delay() -> None:
    """Half of all calls fail in a millisecond: the delay stays above what replies take."""
    layer = Hedging(HedgingConfig(), context())
    answers = [Failed("500"), "reply"]
    for number in range(2000):
        await outcomes([layer(OPERATION, Dependency(answers[number % 2], latency_s=0.05 if number % 2 else 0.001))])
    assert (layer._delay.seconds(now_s()) or 0) >= 0.05


async def test_a_timeout_counts_as_the_time_it_took_at_least() -> None:
    """Else the percentile would be that of the fast ones only."""
    layer = Hedging(HedgingConfig(samples_min=20), context())
    for number in range(1000):
        slow = number % 10 == 0
        answer = TimedOut("slow") if slow else "reply"
        await outcomes([layer(OPERATION, Dependency(answer, latency_s=1.0 if slow else 0.01))])
    assert (layer._delay.seconds(now_s()) or 0) >= 1.0


async def test_calls_given_up_while_it_is_cold_are_known_too() -> None:
    """A tenth hangs until its callers leave: the first delay is no less than the time they gave it."""
    layer = Hedging(HedgingConfig(samples_min=100), context())
    served = Served(lambda asked: 60.0 if asked.key == "slow" else 0.01)
    asked = [Operation(name="x", dependency="y", key="" if number % 10 else "slow") for number in range(100)]
    calls = [asyncio.create_task(_call(layer, served, one)) for one in asked]
    await asyncio.sleep(1)
    await cancel(*calls)
    await asyncio.sleep(3)
    assert (layer._delay.seconds(now_s()) or 0) >= 1.0


@pytest.mark.parametrize("callers_leave", [False, True])
async def test_pitfall_superseded_calls_do_not_drop_out_of_the_percentile(*, callers_leave: bool) -> None:
    """A tenth is slow, and ends by losing to its copy or by its caller's leaving: it goes on counting as slow.

    Were it left out, the delay would sink to the 95th percentile of the fast ones, 10 ms, and stay there.
    """
    random = Random(5)
    layer = Hedging(HedgingConfig(extra_load_max=0.05), context())

    def slow_or_fast(asked: Operation) -> float:
        if asked.hedge:
            return 9.0 if callers_leave else 0.001
        return 5.0 if random.random() < 0.1 else random.uniform(0.001, 0.01)

    served = Served(slow_or_fast)
    for _ in range(3000):
        call = asyncio.create_task(layer(OPERATION, served))
        await asyncio.wait({call}, timeout=0.5)
        await cancel(call)
    assert (layer._delay.seconds(now_s()) or 0) > 0.011, "seed 5"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_slow_share_is_squared_for_about_the_share_of_extra_load(seed: int) -> None:
    """1 % slow, hedged at p95: p99.9 falls from over a second to tens of milliseconds for 5 % more calls."""
    random = Random(seed)
    alone = sorted(mixture(random, 0.01)(OPERATION) for _ in range(6000))
    layer, served = Hedging(HedgingConfig(extra_load_max=0.05), context()), Served(mixture(random, 0.01))
    took_s = (await run(layer, served, calls=8000))[2000:]
    assert percentile(list(alone), 0.999) > 1.0, f"seed {seed}"
    assert percentile(took_s, 0.999) < 0.1, f"seed {seed}"
    assert 0.02 < served.hedges / served.firsts <= 0.05, f"seed {seed}"


@pytest.mark.parametrize(("extra_load_max", "improves"), [(0.05, True), (0.01, False)])
async def test_pitfall_a_delay_inside_the_slow_mode_improves_nothing(extra_load_max: float, *, improves: bool) -> None:
    """2 % slow: hedged at p95 the p99 falls from a second to tens of milliseconds, at p99 it stays."""
    layer = Hedging(HedgingConfig(extra_load_max=extra_load_max), context())
    took_s = (await run(layer, Served(mixture(Random(4), 0.02)), calls=8000))[2000:]
    assert (percentile(took_s, 0.985) < 0.1) is improves, "seed 4"


async def test_pitfall_a_fixed_delay_under_load_is_held_by_the_budget() -> None:
    """When everything becomes slower than the delay, every call would be sent twice; one in twenty is."""
    teller, served = RecordingTeller(), Served(lambda _: 0.2)
    layer = Hedging(HedgingConfig(delay_s=0.1, extra_load_max=0.05), context(teller))
    await run(layer, served, calls=2000)
    assert served.hedges / served.firsts == pytest.approx(0.05, abs=0.005)
    assert teller.names.count("budget_empty") == 2000 - served.hedges


async def test_a_learned_delay_follows_the_latency() -> None:
    """When everything becomes ten times slower the copies stop within a few seconds, not for want of budget."""
    teller = RecordingTeller()
    layer = Hedging(HedgingConfig(), context(teller))
    await run(layer, Served(lambda _: 0.01), calls=1000)
    await run(layer, Served(lambda _: 0.1), calls=2000)
    before = len(teller.names)
    await run(layer, Served(lambda _: 0.1), calls=500)
    assert len(teller.names) == before


async def test_retries_deposit_nothing() -> None:
    """The share is one of the operations: further attempts are extra load themselves."""
    served = Served(lambda _: 0.2)
    layer = Hedging(HedgingConfig(delay_s=0.1, extra_load_max=0.5), context())
    await outcomes(layer(Operation(name="x", dependency="y", attempt=2), served) for _ in range(50))
    assert served.hedges == 0


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    share=st.floats(0.01, 1),
    calls=st.integers(1, 150),
    delay_s=st.floats(0.001, 0.5),
)
def test_law_copies_never_exceed_the_budget(seed: int, share: float, calls: int, delay_s: float) -> None:
    """At any moment: share x calls so far, for calls that come and last at random."""
    random = Random(seed)
    layer = Hedging(HedgingConfig(delay_s=delay_s, extra_load_max=share), context())
    served = Served(lambda _: random.choice([0.0, 0.01, 0.3, 2.0]))

    async def play() -> None:
        tasks = []
        for _ in range(calls):
            tasks.append(asyncio.create_task(_call(layer, served)))
            await asyncio.sleep(random.choice([0.0, 0.01, 0.2]))
            assert served.hedges <= share * len(tasks) + 1e-9
        await asyncio.gather(*tasks)
        assert served.hedges <= share * calls + 1e-9

    run_virtual(play())


async def _call(layer: Hedging, served: Served, asked: Operation = OPERATION) -> Any:
    return await layer(asked, served)
