import pytest

from rulezero.defences.bounded_stream import BoundedStream, BoundedStreamConfig, StreamFull
from rulezero.outcome import Outcome, Rejected
from tests.defences.fakes import Dependency, RecordingTeller, context, failed, operation


class FakeQueue:
    """Remembers how it was bounded."""

    def __init__(self) -> None:
        self.bounds: list[int | None] = []

    def bound(self, max_msgs: int | None) -> None:
        self.bounds.append(max_msgs)


def bounded(
    teller: RecordingTeller | None = None, queue: FakeQueue | None = None, *, max_msgs: int = 3
) -> BoundedStream:
    return BoundedStream(BoundedStreamConfig(max_msgs=max_msgs), context(teller, queue=queue))


async def test_a_message_that_the_queue_takes_is_accepted() -> None:
    """Counted, and the reply passed on."""
    teller = RecordingTeller()
    assert await bounded(teller)(operation(), Dependency()) == "reply"
    assert teller.names == ["accepted"]


async def test_a_full_queue_refuses() -> None:
    """It definitely was not stored, and asking again would only be refused again."""
    teller, refusal = RecordingTeller(), StreamFull("full")
    with pytest.raises(StreamFull) as caught:
        await bounded(teller)(operation(), Dependency(refusal))
    assert caught.value is refusal
    assert (refusal.outcome, refusal.definite, refusal.retryable) == (Outcome.REJECTED, True, False)
    assert teller.names == ["refused"]


@pytest.mark.parametrize("error", [failed(), Rejected("by somebody else")])
async def test_what_says_nothing_of_the_bound_is_not_counted(error: Exception) -> None:
    """A queue that is away has neither accepted nor refused."""
    teller = RecordingTeller()
    with pytest.raises(type(error)):
        await bounded(teller)(operation(), Dependency(error))
    assert teller.names == []


def test_the_bound_is_set_and_taken_off() -> None:
    """When it is made, and when it is switched off or its number changes."""
    queue = FakeQueue()
    first = bounded(queue=queue, max_msgs=3)
    first.switched_off()
    bounded(queue=queue, max_msgs=9)
    assert queue.bounds == [3, None, 9]


def test_without_a_queue_there_is_nothing_to_bound() -> None:
    """As around calls to something else."""
    bounded().switched_off()
