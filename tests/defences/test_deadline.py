import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.calls import Operation
from rulezero.defences.deadline import (
    Deadline,
    DeadlineConfig,
    DeadlineExceeded,
    DeadlineTimedOut,
    from_header,
    to_header,
)
from tests.defences.fakes import (
    OPERATION,
    Dependency,
    Hanging,
    RecordingTeller,
    cancel,
    context,
    now_s,
    operation,
)


def deadline(teller: RecordingTeller | None = None, margin_s: float = 0.01) -> Deadline:
    return Deadline(DeadlineConfig(margin_s=margin_s), context(teller))


async def test_without_a_deadline_the_call_passes_untouched() -> None:
    """No default is made up, and nothing is told."""
    teller, dependency = RecordingTeller(), Dependency(latency_s=1000)
    assert await deadline(teller)(OPERATION, dependency) == "reply"
    assert dependency.calls == [OPERATION]
    assert teller.names == []


async def test_a_call_in_time_passes_with_its_deadline() -> None:
    """The instant goes on to the layers inside unchanged."""
    teller, dependency = RecordingTeller(), Dependency(latency_s=0.9)
    assert await deadline(teller)(operation(deadline_s=1.0), dependency) == "reply"
    assert dependency.calls[0].deadline_s == 1.0
    assert teller.names == ["propagated"]


@pytest.mark.parametrize("left_s", [0.01, 0.0, -5.0])
async def test_what_cannot_be_answered_in_time_is_not_sent(left_s: float) -> None:
    """Refused before connecting when no more than the margin is left: the callee never sees it."""
    teller, dependency = RecordingTeller(), Dependency()
    with pytest.raises(DeadlineExceeded):
        await deadline(teller)(operation(deadline_s=now_s() + left_s), dependency)
    assert (dependency.calls, teller.names) == ([], ["refused"])


async def test_just_over_the_margin_is_sent() -> None:
    """The margin is exact."""
    assert await deadline()(operation(deadline_s=0.0101), Dependency()) == "reply"


async def test_at_the_deadline_the_call_is_ended_and_cancelled() -> None:
    """Pitfall: cancel not propagated. What runs inside is cancelled, and there is no time to retry."""
    teller, hanging = RecordingTeller(), Hanging()
    with pytest.raises(DeadlineTimedOut) as caught:
        await deadline(teller)(operation(deadline_s=0.3), hanging)
    assert now_s() == pytest.approx(0.3)
    assert (hanging.cancelled, hanging.running) == (1, 0)
    assert not caught.value.retryable
    assert teller.names == ["propagated", "expired"]


async def test_someone_elses_timeout_is_not_claimed() -> None:
    """A TimeoutError from within passes as it is."""
    teller = RecordingTeller()
    with pytest.raises(TimeoutError) as caught:
        await deadline(teller)(operation(deadline_s=9.0), Dependency(TimeoutError("inner")))
    assert type(caught.value) is TimeoutError
    assert teller.names == ["propagated"]


async def test_the_callers_cancellation_stays_a_cancellation() -> None:
    """Also when it comes at the very instant of the deadline."""
    for cancel_at_s in (0.1, 0.3):
        hanging, start_s = Hanging(), now_s()
        task = asyncio.create_task(deadline()(operation(deadline_s=start_s + 0.3), hanging))
        asyncio.get_running_loop().call_at(start_s + cancel_at_s, task.cancel)
        await asyncio.wait({task})
        assert task.cancelled()
        assert hanging.cancelled == 1


async def test_a_shielded_or_background_callee_does_not_outlast_the_deadline_for_the_caller() -> None:
    """Pitfall: asyncio.shield loses the deadline. The caller is free on time; what is shielded is wasted work."""
    hanging = Hanging()
    background = asyncio.create_task(hanging(OPERATION))

    async def shielded(_: Operation) -> Any:
        return await asyncio.shield(background)

    with pytest.raises(DeadlineTimedOut):
        await deadline()(operation(deadline_s=0.3), shielded)
    assert now_s() == pytest.approx(0.3)
    assert hanging.running == 1
    await cancel(background)


@pytest.mark.wall_clock
async def test_a_thread_that_cannot_be_cancelled_does_not_hold_the_caller() -> None:
    """Pitfall: a synchronous driver in a thread. The caller is free on time, though the thread works on."""
    release = threading.Event()
    start_s = now_s()
    try:
        with pytest.raises(DeadlineTimedOut):
            await deadline()(operation(deadline_s=start_s + 0.05), lambda _: asyncio.to_thread(release.wait, 10))
        assert now_s() - start_s < 5
    finally:
        release.set()


async def test_one_client_with_absurd_deadlines_harms_itself_alone() -> None:
    """Pitfall: shedding without a cap. No state is shared, so the calls of others are served all along."""
    layer, dependency = deadline(), Dependency()
    for _ in range(50):
        with pytest.raises(DeadlineExceeded):
            await layer(operation(deadline_s=now_s() + 0.001), dependency)
        assert await layer(operation(deadline_s=now_s() + 1), dependency) == "reply"
    assert len(dependency.calls) == 50


def test_what_travels_is_the_time_left() -> None:
    """Pitfall: absolute wall-clock deadlines. The two clocks need not agree: here they are an hour apart."""
    header = to_header(deadline_s=100.25, now_s=100.0)
    assert header == "250"
    assert from_header(header, now_s=3700.0, margin_s=0.01) == pytest.approx(3700.24)


@pytest.mark.parametrize(
    ("left_s", "header"),
    [(0.0, "0"), (-3.0, "0"), (0.0009, "0"), (1.9999, "1999"), (1e9, "3600000"), (float("inf"), "3600000")],
)
def test_a_header_never_grants_more_than_is_left(left_s: float, header: str) -> None:
    """Rounded down, never negative, at most an hour."""
    assert to_header(10.0 + left_s, 10.0) == header


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "nan",
        "inf",
        "-inf",
        "1e3",
        "0x10",
        "1_000",
        "+5",
        "5 ms",
        "1,5",
        "--5",
        "٣",
        "5\n",
        "9" * 31,
        "1." * 2,
    ],
)
def test_text_that_is_no_number_is_no_deadline(text: str) -> None:
    """A bad header is as good as none; it must neither fail the request nor be read by luck."""
    assert from_header(text, 10.0, margin_s=0.0) is None


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [("0", 10.0), ("-5", 9.995), ("1500", 11.5), ("0.5", 10.0005), ("\t250 ", 10.25), ("9" * 30, 3610.0)],
)
def test_numbers_are_read_within_bounds(text: str, expected_s: float) -> None:
    """Zero and negative are in the past, and to be refused; more than an hour is an hour."""
    assert from_header(text, 10.0, margin_s=0.0) == pytest.approx(expected_s)


@given(text=st.text(max_size=40))
def test_no_header_breaks_the_reader(text: str) -> None:
    """Whatever is sent, the answer is None or an instant at most an hour away."""
    deadline_s = from_header(text, 10.0, margin_s=0.01)
    assert deadline_s is None or deadline_s <= 3610.0


@given(hops=st.lists(st.floats(0, 0.5), max_size=10), budget_s=st.floats(0.1, 10))
def test_no_chain_of_hops_gains_time(hops: list[float], budget_s: float) -> None:
    """Each hop sees at most what the one before had left, whatever their clocks show."""
    left_s = budget_s
    for number, spent_s in enumerate(hops):
        clock_s = 1000.0 * number
        received_s = from_header(to_header(clock_s + left_s, clock_s), clock_s + 7, margin_s=0.01)
        assert received_s is not None
        assert received_s - (clock_s + 7) <= left_s - 0.01 + 1e-9
        left_s = max(received_s - (clock_s + 7) - spent_s, 0.0)
