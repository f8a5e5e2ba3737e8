"""Seeded schedules: when requests are due and which keys they ask for.

Arrivals of an open system are a Poisson process: independent exponential gaps, whatever the system does with
them (Schroeder, Wierman and Harchol-Balter, "Open Versus Closed", NSDI 2006). Every stream draws from generators
of its own, named by seed and stream, so that two arms of an experiment meet the same arrivals and keys.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from random import Random

from rulezero.experiment import Keys, Stream


def arrivals(seed: int, rate_rps: float, stream_name: str, duration_s: float = math.inf) -> Iterator[float]:
    """Yield the instants, in seconds from 0 up to `duration_s`, of one Poisson stream."""
    random = Random(f"{seed}:{stream_name}")
    due_s = random.expovariate(rate_rps)
    while due_s < duration_s:
        yield due_s
        due_s += random.expovariate(rate_rps)


def keys(seed: int, stream_name: str, spread: Keys) -> Iterator[int]:
    """Yield the item of each arrival, for ever.

    With `skew` s the k-th item from `low` is asked for in proportion to k ** -s (Zipf's law); 0 is uniform.
    """
    random = Random(f"{seed}:{stream_name}:keys")
    if spread.skew == 0:
        while True:
            yield random.randint(spread.low, spread.high)
    cumulative = list(accumulate(rank**-spread.skew for rank in range(1, spread.high - spread.low + 2)))
    while True:
        yield spread.low + bisect_right(cumulative[:-1], random.random() * cumulative[-1])


def sampled(seed: int, stream_name: str, rate: float) -> Iterator[bool]:
    """Yield whether each arrival is traced, for ever: the same ones in every arm."""
    random = Random(f"{seed}:{stream_name}:sampled")
    while True:
        yield random.random() < rate


def operation_ids(run_id: str, stream_name: str) -> Iterator[str]:
    """Yield 32 hexadecimal digits for each operation, for ever: never the same in two runs, always in one."""
    random = Random(f"{run_id}:{stream_name}:operations")
    while True:
        yield f"{random.getrandbits(128):032x}"


def due_times(seed: int, streams: Sequence[Stream], duration_s: float) -> list[float]:
    """Return every instant at which a stream sends, in order: what the generator is judged by."""
    return sorted(due_s for stream in streams for due_s in arrivals(seed, stream.rate_rps, stream.route, duration_s))
