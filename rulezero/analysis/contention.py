"""Writers who contend for one row: how often each tries and how long all take, by simulation.

Everyone reads the row, takes a while, and writes only if nobody else has written since (optimistic concurrency, Kung
and Robinson 1981); who lost comes back after the delay that `retry` draws. There is no closed form once the delays are
random, so this is played out, seeded, many times. Source: the model of the AWS Architecture Blog, "Exponential Backoff
and Jitter" (Brooker 2015), with the time between read and write fixed and `retry`'s own delays.
"""

import heapq
from dataclasses import dataclass, field
from random import Random
from statistics import fmean

from rulezero.defences.retry import RetryConfig, delay_s

ROUNDS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Contention:
    """Means over the simulations: attempts per writer, and seconds until the last one has written."""

    attempts: float
    last_s: float


@dataclass(order=True, slots=True)
class _Event:
    """The end of a pause (`read` is None), or of an attempt that saw the row as it was after `read` writes."""

    at_s: float
    number: int
    attempt: int = field(compare=False)
    previous_s: float = field(compare=False)
    read: int | None = field(compare=False, default=None)


def contended(
    writers: int, config: RetryConfig, *, work_s: float, way_s: float = 0.0, rounds: int = ROUNDS, seed: int = 1
) -> Contention:
    """Return what contending comes to when all begin at one moment and nobody gives up.

    Args:
        writers: How many there are.
        config: How they retry; the bound on attempts is not looked at.
        work_s: From the read to the write: who writes in this time makes the attempt fail.
        way_s: To the row and back again, in which nothing is at risk. It varies by a tenth.
        rounds: How often it is played out.
        seed: Of the first of them.

    """
    played = [_play(writers, config, work_s, way_s, Random(seed + number)) for number in range(rounds)]
    return Contention(attempts=fmean(one.attempts for one in played), last_s=fmean(one.last_s for one in played))


def _play(writers: int, config: RetryConfig, work_s: float, way_s: float, random: Random) -> Contention:
    def way() -> float:
        return way_s * random.uniform(0.9, 1.1)

    events = [_Event(way(), number, 1, config.base_s) for number in range(writers)]
    heapq.heapify(events)
    attempts, writes, last_s = 0, 0, 0.0
    while events:
        event = events[0]
        if event.read is None:
            attempts += 1
            begun = _Event(event.at_s + work_s, event.number, event.attempt, event.previous_s, read=writes)
            heapq.heapreplace(events, begun)
        elif event.read == writes:
            writes += 1
            last_s = event.at_s
            heapq.heappop(events)
        else:
            pause_s = delay_s(event.attempt, event.previous_s, config, random)
            back_s = event.at_s + pause_s + way()
            heapq.heapreplace(events, _Event(back_s, event.number, event.attempt + 1, pause_s))
    return Contention(attempts=attempts / writers, last_s=last_s)
