"""Retries, hedges and their budget together, inside everything else that is on."""

import asyncio
import gc
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulezero.calls import Operation, Proceed, wrap
from rulezero.defences import CATALOGUE
from rulezero.defences.hedging import Hedging, HedgingConfig
from rulezero.defences.retry import Retry, RetryConfig
from rulezero.defences.retry_budget import RetryBudget, RetryBudgetConfig
from rulezero.outcome import Failed, NotSent, TimedOut
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    RecordingTeller,
    context,
    failed,
    now_s,
    operation,
    others,
    outcomes,
    settle,
)
from tests.virtual_time import run_virtual

CALL_FAMILY: tuple[Any, ...] = tuple(defence for defence in CATALOGUE if defence.family == "call")


class Stack:
    """Retry, hedging and a budget of their own kind around a dependency, each with its teller."""

    def __init__(self, *, budget: RetryBudgetConfig, attempts_max: int = 3, delay_s: float = 0.1) -> None:
        self.tellers = {name: RecordingTeller() for name in ("retry", "hedging", "retry_budget")}
        retry = RetryConfig(attempts_max=attempts_max, base_s=0.01, jitter="none")
        hedging = HedgingConfig(delay_s=delay_s, extra_load_max=1.0)
        self.layers = (
            Retry(retry, context(self.tellers["retry"])),
            Hedging(hedging, context(self.tellers["hedging"])),
            RetryBudget(budget, context(self.tellers["retry_budget"])),
        )

    def around(self, send: Proceed) -> Proceed:
        return wrap(self.layers, send)

    def names(self, defence: str) -> list[str]:
        return self.tellers[defence].names


async def test_an_empty_budget_ends_the_retries_without_a_pause() -> None:
    """The error of the attempt that was made is raised at once."""
    stack, dependency = Stack(budget=RetryBudgetConfig(reserve_per_s=0)), Dependency(failed())
    with pytest.raises(Failed):
        await stack.around(dependency)(OPERATION)
    assert (len(dependency.calls), now_s()) == (1, 0)
    assert stack.names("retry_budget") == ["exhausted"]
    assert stack.names("retry") == ["not_retryable"]


async def test_who_was_outpaced_during_the_pause_gets_the_error_of_the_attempt_made() -> None:
    """Two wait, one token: the other is told what happened, not that nothing was sent."""
    errors = [TimedOut("1"), TimedOut("2")]
    stack = Stack(budget=RetryBudgetConfig(reserve_per_s=0.1, ttl_s=10), attempts_max=2)
    call = stack.around(Dependency(*errors, "reply"))
    results = await outcomes(call(OPERATION) for _ in range(2))
    assert results[0] == "reply"
    assert results[1] is errors[1]
    assert not isinstance(results[1], NotSent)
    assert stack.names("retry_budget") == ["granted", "refused"]


async def test_a_hedge_takes_the_token_that_a_retry_then_lacks() -> None:
    """One budget for both."""
    stack = Stack(budget=RetryBudgetConfig(reserve_per_s=0.1, ttl_s=10))
    dependency = Dependency(TimedOut("1"), TimedOut("2"), latency_s=0.5)
    with pytest.raises(TimedOut):
        await stack.around(dependency)(OPERATION)
    assert [call.hedge for call in dependency.calls] == [False, True]
    assert stack.names("retry_budget") == ["granted", "exhausted", "exhausted"]
    assert stack.names("hedging") == ["hedged", "both_failed"]


async def test_a_retry_may_be_hedged_too() -> None:
    """Its copy is a copy of the second attempt."""
    stack = Stack(budget=RetryBudgetConfig(reserve_per_s=10.0))

    async def second_is_slow(asked: Operation) -> str:
        if asked.attempt == 1:
            raise failed()
        await asyncio.sleep(0.1 if asked.hedge else 9.0)
        return "hedge"

    assert await stack.around(second_is_slow)(OPERATION) == "hedge"
    assert now_s() == pytest.approx(0.01 + 0.1 + 0.1)
    await settle()
    assert others() == set()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    calls=st.integers(1, 60),
    form=st.sampled_from(["finagle", "grpc"]),
    ratio=st.floats(0.05, 1),
    reserve_per_s=st.sampled_from([0.0, 0.5]),
)
def test_law_extra_attempts_never_exceed_the_budget_and_nothing_is_left_behind(
    seed: int, calls: int, form: Any, ratio: float, reserve_per_s: float
) -> None:
    """Whatever calls come, fail, hang or leave: every extra one was granted, and in Finagle's form is paid for."""
    random = Random(seed)
    budget = RetryBudgetConfig(form=form, ratio=ratio, reserve_per_s=reserve_per_s)
    stack, sent = Stack(budget=budget), list[Operation]()

    async def whatever(asked: Operation) -> str:
        sent.append(asked)
        await asyncio.sleep(random.choice([0, 0.05, 0.3, 2.0]))
        if random.random() < 0.5:
            raise random.choice([Failed, TimedOut])("x")
        return "reply"

    async def play() -> None:
        call, tasks = stack.around(whatever), list[asyncio.Task[Any]]()
        for _ in range(calls):
            tasks.append(asyncio.ensure_future(call(OPERATION)))
            await asyncio.sleep(random.choice([0.0, 0.02, 0.5]))
            if random.random() < 0.2:
                random.choice(tasks).cancel()
        await outcomes(tasks)
        await settle()
        extra = sum(one.attempt > 1 or one.hedge for one in sent)
        # A copy that was granted in the moment in which its caller left is paid for, but not sent.
        assert extra <= stack.names("retry_budget").count("granted")
        if form == "finagle":
            assert extra <= ratio * calls + reserve_per_s * (now_s() + 12) + 1e-9
        assert others() == set()

    run_virtual(play())


async def test_with_everything_on_at_its_defaults_a_healthy_dependency_is_left_in_peace() -> None:
    """A minute of 100 calls a second of around 10 ms, one in a hundred late: every call is answered, 5 % more are sent.

    Fewer late answers than without: those who hedge meet a slow one twice as rarely as squared.
    """
    random = Random(11)
    layers = tuple(defence(defence.config_type(), context()) for defence in CALL_FAMILY)

    async def usual(asked: Operation) -> str:
        sent.append(asked)
        await asyncio.sleep(random.lognormvariate(-4.605, 0.4) + 0.3 * (random.random() < 0.01))
        return "reply"

    sent, call = list[Operation](), wrap(layers, usual)
    tasks = []
    for _ in range(6000):
        tasks.append(asyncio.ensure_future(call(operation(deadline_s=now_s() + 1.0))))
        await asyncio.sleep(0.01)
    assert await outcomes(tasks) == ["reply"] * 6000, "seed 11"
    assert 0.01 < sum(one.hedge for one in sent) / 6000 <= 0.05, "seed 11"
    assert sum(one.attempt > 1 for one in sent) == 0, "seed 11"


async def test_with_everything_on_a_dead_dependency_is_not_stormed_and_soon_used_again() -> None:
    """Ten seconds of hanging: a fifth of the calls goes out at most; when the breaker has closed (within 12 s) and the
    throttle noticed (5 s), everything is answered again."""
    layers = tuple(defence(defence.config_type(), context(seed=3)) for defence in CALL_FAMILY)

    async def hangs_a_while(_: Operation) -> str:
        sent.append(now_s())
        await asyncio.sleep(3600 if 20 <= now_s() < 30 else 0.01)
        return "reply"

    sent, call = list[float](), wrap(layers, hangs_a_while)
    tasks = []
    for _ in range(6000):
        tasks.append(asyncio.ensure_future(call(operation(deadline_s=now_s() + 1.0))))
        await asyncio.sleep(0.01)
    results = await outcomes(tasks)
    assert sum(20 <= at_s < 30 for at_s in sent) < 200, "seed 3"
    assert results[:1990] == ["reply"] * 1990, "seed 3"
    assert results[4700:].count("reply") > 0.99 * 1300, "seed 3"


@pytest.mark.parametrize("defence", CALL_FAMILY, ids=lambda defence: defence.name)
async def test_a_failed_call_is_no_work_for_the_garbage_collector(defence: Any) -> None:
    """An error in a circle with the frames that it went through would keep alive what they hold."""
    numbers: dict[str, dict[str, Any]] = {"hedging": {"delay_s": 0.1}, "retry": {"attempts_max": 2}}
    layer = defence(defence.config_type(**numbers.get(defence.name, {})), context())

    class Unheard(Failed):
        """Told from the errors that the tests hold."""

    async def fail(_: Operation) -> None:
        raise Unheard("500")

    await settle()
    gc.collect()
    gc.disable()
    try:
        with suppress(Unheard):
            await layer(operation(deadline_s=9.0), fail)
        await settle()
        left = [one for one in gc.get_objects() if type(one) is Unheard]
    finally:
        gc.enable()
    assert left == []
