import pytest

from rulezero.defences.bounded_queue import BoundedQueue, BoundedQueueConfig, QueueFull
from rulezero.outcome import Outcome
from tests.defences.fakes import Dependency, RecordingTeller, context, operation


def queue(teller: RecordingTeller | None = None, *, queue_max: int = 3) -> BoundedQueue:
    return BoundedQueue(BoundedQueueConfig(queue_max=queue_max), context(teller))


@pytest.mark.parametrize("waiting", [0, 1, 2])
async def test_who_finds_room_in_the_line_is_admitted(waiting: int) -> None:
    """Counted with the length of the line that it joins."""
    teller, service = RecordingTeller(), Dependency()
    assert await queue(teller)(operation(waiting=waiting), service) == "reply"
    assert teller.decisions == [("admitted", {"waiting": waiting})]


@pytest.mark.parametrize("waiting", [3, 4, 20_000])
async def test_who_finds_the_line_full_is_refused_before_any_work(waiting: int) -> None:
    """Definitely not done, not to be retried, and with no word on when to come back."""
    teller, service = RecordingTeller(), Dependency()
    with pytest.raises(QueueFull) as caught:
        await queue(teller)(operation(waiting=waiting), service)
    assert service.calls == []
    assert (caught.value.outcome, caught.value.definite, caught.value.retryable) == (Outcome.NOT_SENT, True, False)
    assert caught.value.retry_after_s is None
    assert teller.names == ["rejected"]
    assert teller.detail("rejected") == {"waiting": waiting}


async def test_where_a_slot_is_free_nobody_is_refused() -> None:
    """Even with the shortest line that can be set."""
    shortest = queue(queue_max=1)
    assert await shortest(operation(waiting=0), Dependency()) == "reply"


async def test_a_failure_of_the_service_passes_through() -> None:
    """It is not taken for a refusal."""
    error = QueueFull("of a service behind")
    with pytest.raises(QueueFull) as caught:
        await queue()(operation(), Dependency(error))
    assert caught.value is error
