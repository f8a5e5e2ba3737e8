import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.calls import Operation, wrap
from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.defences.retry import Retry, RetryConfig, delay_s
from rulezero.outcome import CallError, Failed, NotSent, Rejected, TimedOut, Unreachable
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    RecordingTeller,
    cancel,
    context,
    failed,
    now_s,
    operation,
    settle,
)

Jitter = Literal["full", "equal", "decorrelated", "none"]
JITTERS: tuple[Jitter, ...] = ("full", "equal", "decorrelated", "none")


def retry(teller: RecordingTeller | None = None, *, caller: str = "edge", **numbers: Any) -> Retry:
    return Retry(RetryConfig(**numbers), context(teller, caller=caller))


async def test_a_failure_that_passes_is_not_seen_by_the_caller() -> None:
    """Attempts count from 1, and each pause is told with the attempt that it follows."""
    teller, dependency = RecordingTeller(), Dependency(failed(), failed(), "reply")
    assert await retry(teller)(OPERATION, dependency) == "reply"
    assert [call.attempt for call in dependency.calls] == [1, 2, 3]
    assert teller.names == ["scheduled", "scheduled"]
    assert teller.detail("scheduled")["attempt"] == 2
    assert OPERATION.attempt == 1


async def test_after_the_last_attempt_its_error_is_raised() -> None:
    """It is the last one, with no pause after it."""
    teller, last = RecordingTeller(), TimedOut("last")
    dependency = Dependency(failed(), failed(), last)
    with pytest.raises(TimedOut) as caught:
        await retry(teller, jitter="none")(OPERATION, dependency)
    assert caught.value is last
    assert len(dependency.calls) == 3
    assert now_s() == pytest.approx(0.05 + 0.1)
    assert teller.names == ["scheduled", "scheduled", "exhausted"]


@pytest.mark.parametrize(
    ("error", "asked", "told"),
    [
        (Failed("500"), OPERATION, ["scheduled", "scheduled"]),
        (Rejected("429"), OPERATION, []),
        (Failed("500"), operation(deadline_s=0.04), []),
    ],
)
async def test_to_give_up_is_to_do_nothing(error: CallError, asked: Operation, told: list[str]) -> None:
    """Whether for the number of attempts, the kind of error or the time: retry has acted when it asks again."""
    teller = RecordingTeller()
    with pytest.raises(CallError):
        await retry(teller, jitter="none")(asked, Dependency(error))
    assert [name for name in teller.names if name not in Retry.idle_decisions] == told
    assert len(teller.names) == len(told) + 1


async def test_the_first_attempt_is_not_delayed_and_success_tells_nothing() -> None:
    """Retries cost nothing while all is well."""
    teller = RecordingTeller()
    await retry(teller)(OPERATION, Dependency())
    assert (now_s(), teller.names) == (0, [])


@pytest.mark.parametrize(
    "error", [Rejected("429"), NotSent("full"), BreakerOpen("open"), BreakerOpen("", retry_after_s=1)]
)
async def test_what_would_feed_an_overload_is_not_retried(error: CallError) -> None:
    """Overload, an open breaker and a full bulkhead end the attempts at once."""
    teller, dependency = RecordingTeller(), Dependency(error)
    with pytest.raises(CallError) as caught:
        await retry(teller)(OPERATION, dependency)
    assert caught.value is error
    assert len(dependency.calls) == 1
    assert teller.names == ["not_retryable"]
    assert teller.detail("not_retryable")["outcome"] == error.outcome


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(Failed("500"), 1), (TimedOut("slow"), 1), (Unreachable("refused"), 3), (NotSent("full"), 1)],
)
async def test_what_may_have_happened_is_not_done_twice(error: CallError, attempts: int) -> None:
    """Pitfall: retrying non-idempotent calls. Only a definite and retryable failure, no connection, is tried again."""
    dependency = Dependency(error)
    with pytest.raises(CallError):
        await retry()(operation(idempotent=False), dependency)
    assert len(dependency.calls) == attempts


async def test_a_refusal_of_the_request_itself_is_returned_not_retried() -> None:
    """Pitfall: retrying 4xx. Such replies are returned, not raised, and come back unchanged."""
    teller, dependency = RecordingTeller(), Dependency({"status": 404})
    assert await retry(teller)(OPERATION, dependency) == {"status": 404}
    assert len(dependency.calls) == 1


async def test_a_bug_is_not_retried() -> None:
    """An exception that is no call's outcome passes at once."""
    dependency = Dependency(KeyError("bug"))
    with pytest.raises(KeyError):
        await retry()(OPERATION, dependency)
    assert len(dependency.calls) == 1


@pytest.mark.parametrize("cancel_at_s", [0.5, 1.5])
async def test_a_caller_that_left_is_not_retried_for(cancel_at_s: float) -> None:
    """Pitfall: retrying cancelled calls, whether they leave during an attempt (0.5 s) or during a pause (1.5 s)."""
    teller, dependency = RecordingTeller(), Dependency(failed(), latency_s=1.0)
    layer = retry(teller, jitter="none", base_s=1.0)
    task = asyncio.create_task(layer(OPERATION, dependency))
    await asyncio.sleep(cancel_at_s)
    await cancel(task)
    await asyncio.sleep(10)
    assert task.cancelled()
    assert len(dependency.calls) == 1


async def test_the_callees_pause_is_kept_and_the_jitter_comes_on_top() -> None:
    """Pitfall: ignoring Retry-After. At least that long, and those who were told the same do not return together."""
    returned_at_s = []
    for seed in range(20):
        dependency, start_s = Dependency(Failed("503", retry_after_s=2.0), "reply"), now_s()
        await Retry(RetryConfig(), context(seed=seed))(OPERATION, dependency)
        returned_at_s.append(dependency.called_at_s[1] - start_s)
    assert min(returned_at_s) >= 2.0
    assert max(returned_at_s) <= 2.05 + 1e-9
    assert len({round(at_s, 6) for at_s in returned_at_s}) == 20


@pytest.mark.parametrize("retry_after_s", [-1.0, float("nan"), float("inf"), 5.1])
async def test_a_pause_that_forbids_or_exceeds_all_bounds_ends_the_attempts(retry_after_s: float) -> None:
    """Pitfall: ignoring pushback. Negative or unreadable means do not come back; too long is not waited for."""
    teller, dependency = RecordingTeller(), Dependency(Failed("503", retry_after_s=retry_after_s))
    with pytest.raises(Failed):
        await retry(teller)(OPERATION, dependency)
    assert (len(dependency.calls), now_s(), teller.names) == (1, 0, ["not_retryable"])


async def test_no_pause_is_begun_that_the_deadline_would_cut() -> None:
    """It gives up at once with the last error, instead of sleeping into the deadline."""
    teller, dependency = RecordingTeller(), Dependency(failed())
    with pytest.raises(Failed):
        await retry(teller, jitter="none", base_s=0.1)(operation(deadline_s=0.3), dependency)
    assert now_s() == pytest.approx(0.1)
    assert len(dependency.calls) == 2
    assert teller.names == ["scheduled", "no_time"]


async def test_a_pause_that_ends_exactly_at_the_deadline_leaves_no_time() -> None:
    """What matters is the time left for the attempt."""
    dependency = Dependency(failed())
    with pytest.raises(Failed):
        await retry(jitter="none", base_s=0.1)(operation(deadline_s=0.1), dependency)
    assert len(dependency.calls) == 1


async def test_only_the_named_callers_retry() -> None:
    """Elsewhere the layer is transparent, and tells nothing."""
    teller, dependency = RecordingTeller(), Dependency(failed())
    with pytest.raises(Failed):
        await retry(teller, caller="checkout")(OPERATION, dependency)
    assert (len(dependency.calls), teller.names) == (1, [])


@pytest.mark.parametrize(("callers", "calls"), [(["edge"], 4), (["edge", "checkout", "payment"], 64)])
async def test_layered_retries_multiply(callers: list[str], calls: int) -> None:
    """Pitfall: layered retries. With 4 attempts at each of 3 layers the bottom sees 4^3 = 64, with one layer 4."""
    config = RetryConfig(attempts_max=4, callers=tuple(callers), nested=True)
    layers = tuple(Retry(config, context(caller=caller)) for caller in ("edge", "checkout", "payment"))
    dependency = Dependency(failed())

    # Each hop starts a new operation, as a new request does.
    async def hop(depth: int) -> Any:
        if depth == len(layers):
            return await dependency(OPERATION)
        return await layers[depth](OPERATION, lambda _: hop(depth + 1))

    with pytest.raises(Failed):
        await hop(0)
    assert len(dependency.calls) == calls


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"callers": ["edge", "checkout"]}, "callers"),
        ({"base_s": 2.0, "cap_s": 1.0}, "base_s"),
        ({"attempts_max": 0}, "attempts_max"),
        ({"attempts_max": 101}, "attempts_max"),
        ({"multiplier": 0.5}, "multiplier"),
        ({"jitter": "some"}, "jitter"),
        ({"cap_s": -1.0}, "cap_s"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: Mapping[str, Any], key: str) -> None:
    """More than one layer of retries among them, unless it is asked for."""
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert(numbers, RetryConfig)


def test_retries_at_several_layers_can_be_asked_for() -> None:
    """With `nested`; and naming one service twice is naming one."""
    asked = msgspec.convert({"callers": ["edge", "checkout"], "nested": True}, RetryConfig)
    assert asked.callers == ("edge", "checkout")
    assert RetryConfig(callers=("edge", "edge")).callers == ("edge", "edge")


@given(
    jitter=st.sampled_from(JITTERS),
    attempt=st.integers(1, 100),
    base_s=st.floats(0.001, 10),
    cap_factor=st.floats(1, 100),
    multiplier=st.floats(1, 10),
    seed=st.integers(0, 2**32),
)
def test_every_delay_lies_between_nothing_and_the_cap(
    jitter: Jitter, attempt: int, base_s: float, cap_factor: float, multiplier: float, seed: int
) -> None:
    """Whatever the numbers, through any chain of attempts."""
    cap_s = min(base_s * cap_factor, 3600)
    config = RetryConfig(base_s=base_s, cap_s=cap_s, multiplier=multiplier, jitter=jitter)
    random, previous_s = Random(seed), base_s
    for number in range(1, attempt + 1):
        previous_s = delay_s(number, previous_s, config, random)
        assert 0 <= previous_s <= cap_s * (1 + 1e-12)


def test_the_forms_are_the_published_ones() -> None:
    """Before the cap: full U(0, e), equal e/2 + U(0, e/2), decorrelated U(base, 3 x previous), none e."""
    draws = 4000
    for jitter, low, high in (("full", 0.0, 0.4), ("equal", 0.2, 0.4), ("decorrelated", 0.1, 0.6), ("none", 0.4, 0.4)):
        config = RetryConfig(base_s=0.1, cap_s=100.0, jitter=jitter)  # type: ignore[arg-type]  # One of the four.
        random = Random(1)
        delays = [delay_s(3, 0.2, config, random) for _ in range(draws)]
        assert min(delays) >= low - 1e-9, jitter
        assert max(delays) <= high + 1e-9, jitter
        assert sum(delays) / draws == pytest.approx((low + high) / 2, rel=0.05), f"{jitter}, seed 1"


async def test_pauses_grow_up_to_the_cap() -> None:
    """0.1, 0.2, 0.4, then the cap of 0.5."""
    dependency = Dependency(failed())
    task = asyncio.create_task(retry(attempts_max=6, base_s=0.1, cap_s=0.5, jitter="none")(OPERATION, dependency))
    await asyncio.sleep(100)
    await settle()
    gaps = [after - before for before, after in zip(dependency.called_at_s, dependency.called_at_s[1:], strict=False)]
    assert gaps == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    assert isinstance(task.exception(), Failed)


async def test_it_composes_as_a_layer() -> None:
    """The shape is that of every layer."""
    assert await wrap((retry(),), Dependency(failed(), "reply"))(OPERATION) == "reply"


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ((Failed("1"), NotSent("2")), "1"),
        ((Unreachable("1"), BreakerOpen("2")), "1"),
        ((TimedOut("1"), Unreachable("2"), NotSent("3")), "1"),
        ((TimedOut("1"), Unreachable("2"), Unreachable("3")), "1"),
        ((Unreachable("1"), Unreachable("2"), NotSent("3")), "2"),
        ((Unreachable("1"), TimedOut("2"), Unreachable("3")), "2"),
        ((Failed("1"), Rejected("2")), "2"),
        ((NotSent("1"),), "1"),
    ],
)
async def test_the_error_claims_no_more_than_holds_for_all_attempts(errors: tuple[CallError, ...], raised: str) -> None:
    """That the last attempt was not sent does not mean that the operation was not carried out."""
    with pytest.raises(CallError) as caught:
        await retry()(OPERATION, Dependency(*errors))
    assert caught.value is errors[int(raised) - 1]


@pytest.mark.parametrize(("wish", "attempts"), [(True, 3), (False, 1)])
async def test_only_an_explicit_wish_repeats_what_may_have_been_carried_out(wish: bool, attempts: int) -> None:  # noqa: FBT001 - a parameter of the test.
    """`non_idempotent` repeats a write that timed out; without it the write is sent once."""
    dependency = Dependency(TimedOut("1"), TimedOut("2"), TimedOut("3"))
    with pytest.raises(TimedOut):
        await retry(non_idempotent=wish)(operation(idempotent=False), dependency)
    assert len(dependency.calls) == attempts
