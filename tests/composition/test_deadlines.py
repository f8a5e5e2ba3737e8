"""One deadline for the whole call: attempts, pauses, queues, copies and loads end with it."""

import asyncio
from random import Random
from typing import Any

import pytest

from rulezero.calls import Entry, Operation
from rulezero.defences.deadline import DeadlineConfig, DeadlineExceeded, DeadlineTimedOut
from rulezero.defences.retry import RetryConfig
from rulezero.defences.timeout import AttemptTimedOut, TimeoutConfig
from rulezero.outcome import CallError, Failed, Rejected
from tests.composition.stacks import Stack, everything, whole
from tests.defences.fakes import Dependency, Hanging, failed, now_s, operation, others, outcomes


async def test_a_deadline_spans_all_attempts() -> None:
    """Pitfall: each retry gets a fresh full timeout. Attempts of up to 1 s end together at 1.5 s, not after 3."""
    stack, hanging = whole(attempts_max=3), Hanging()
    with pytest.raises(DeadlineTimedOut):
        await stack.around(hanging)(operation(deadline_s=1.5))
    assert now_s() == pytest.approx(1.5)
    assert hanging.called_at_s == pytest.approx([0.0, 1.1])
    assert [call.deadline_s for call in hanging.calls] == pytest.approx([1.0, 1.5])


async def test_no_attempt_is_scheduled_past_the_deadline() -> None:
    """The error of the attempt that was made comes back at once, not a timeout later."""
    stack, dependency = whole(), Dependency(failed(), latency_s=0.5)
    with pytest.raises(Failed):
        await stack.around(dependency)(operation(deadline_s=0.55))
    assert now_s() == pytest.approx(0.5)
    assert stack.names("retry") == ["no_time"]
    assert stack.names("deadline") == ["propagated"]


async def test_a_timeout_longer_than_the_deadline_does_not_lengthen_it() -> None:
    """Pitfall: nested timeouts longer inside than outside."""
    stack = Stack(DeadlineConfig(), TimeoutConfig(timeout_s=60.0))
    with pytest.raises(DeadlineTimedOut):
        await stack.around(Hanging())(operation(deadline_s=0.2))
    assert now_s() == pytest.approx(0.2)


async def test_timeout_and_deadline_at_the_same_instant_are_one_deadline() -> None:
    """Whichever timer fires first, the caller is told once, and not asked to retry."""
    stack = Stack(DeadlineConfig(), RetryConfig(), TimeoutConfig(timeout_s=0.5))
    with pytest.raises((DeadlineTimedOut, AttemptTimedOut)):
        await stack.around(Hanging())(operation(deadline_s=0.5))
    assert now_s() == pytest.approx(0.5)
    assert stack.names("retry") in ([], ["no_time"])


async def test_an_expired_call_reaches_nothing() -> None:
    """Refused before breaker and bulkhead are asked."""
    stack, dependency = whole(), Dependency()
    with pytest.raises(DeadlineExceeded):
        await stack.around(dependency)(operation(deadline_s=0.0))
    assert (dependency.calls, stack.names("circuit_breaker"), stack.names("bulkhead")) == ([], [], [])


async def test_the_leaders_deadline_does_not_end_the_shared_load() -> None:
    """Pitfall: leader's short deadline imposed on followers, also by the deadline defence inside."""
    stack, origin = whole(), Dependency(latency_s=0.5)
    call = stack.around(origin)
    results = await outcomes([call(operation(key="42", deadline_s=0.1)), call(operation(key="42", deadline_s=5.0))])
    assert results[1] == "reply"
    assert (len(origin.calls), origin.cancelled) == (1, 0)


class Moody:
    """Answers after a random time, or never, or with an error."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reached = 0

    async def __call__(self, asked: Operation) -> Any:
        self.reached += 1
        assert asked.deadline_s is None or now_s() < asked.deadline_s
        await asyncio.sleep(self._random.choice([0.0, 0.05, 0.3, 1.0, 3600.0]))
        error = self._random.choice([None, None, Failed("500"), Failed("500", retry_after_s=0.2), Rejected("503")])
        if error is not None:
            raise error
        return "reply"


@pytest.mark.parametrize("seed", range(10))
async def test_nobody_waits_beyond_the_deadline_whatever_is_on_and_whatever_happens(seed: int) -> None:
    """Not in a pause, nor for a permit, a copy, a shared load or another process's lease; and nothing is left."""
    random = Random(seed)
    stack = everything(
        seed,
        bulkhead={"permits": 3, "queue_max": 20, "wait_s": 60.0},
        hedging={"delay_s": 0.1, "extra_load_max": 1.0},
        circuit_breaker={"volume_min": 20, "open_s": 0.2},
        timeout={"timeout_s": 0.5},
        coalescing={"load_timeout_s": 5.0},
    )
    dependency, late = Moody(random), []

    async def caller() -> Any:
        await asyncio.sleep(random.uniform(0, 5))
        deadline_s = now_s() + random.choice([0.005, 0.2, 0.7, 1.5])
        stale = Entry(value=b"old", fresh_s=-random.choice([1, 1e6]), load_s=0.1, version="1")
        asked = operation(
            key=random.choice(["", "1", "2", "3"]),
            idempotent=random.random() < 0.8,
            entry=random.choice([None, stale]),
            deadline_s=deadline_s,
        )
        try:
            return await stack.around(dependency)(asked)
        finally:
            late.append(now_s() - deadline_s)

    ends = await outcomes(caller() for _ in range(200))
    assert max(late) < 1e-6, f"seed {seed}"
    assert all(end in ("reply", b"old") or isinstance(end, CallError) for end in ends), f"seed {seed}: {ends}"
    assert ends.count("reply") > 5, f"seed {seed}"
    await asyncio.sleep(60)
    assert others() == set(), f"seed {seed}"
