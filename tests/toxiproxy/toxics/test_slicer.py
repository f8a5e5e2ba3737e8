"""Mirrors rulezero/toxiproxy/toxics/slicer.py."""

import asyncio
import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from rulezero.toxiproxy.toxics.slicer import Slicer
from tests.toxiproxy.toxics.rig import Rig


def sizes(slicer: Slicer, size: int, seed: int = 1) -> list[int]:
    ends = list(slicer.cuts(size, random.Random(seed)))
    return [end - start for start, end in itertools.pairwise([0, *ends])]


def test_without_variation_halves_until_small_enough() -> None:
    """1000 bytes at an average of 100 become sixteen slices of about 62."""
    assert sizes(Slicer(100), 1000) == [62, 63] * 8


def test_small_data_is_one_slice() -> None:
    """Up to average plus variation nothing is cut."""
    assert sizes(Slicer(100, 20), 120) == [120]
    assert len(sizes(Slicer(100, 20), 121)) == 2


def test_average_of_nothing_cuts_to_bytes() -> None:
    """Where the original would never end, every byte is a slice."""
    assert sizes(Slicer(), 9) == [1] * 9


@given(
    size=st.integers(1, 5000),
    average=st.integers(-10, 10_000),
    variation=st.integers(-10, 10_000),
    seed=st.integers(0, 2**32),
)
def test_slices_are_a_partition(size: int, average: int, variation: int, seed: int) -> None:
    """Whatever the attributes, no slice is empty and together they are the data."""
    parts = sizes(Slicer(average, variation), size, seed)
    assert sum(parts) == size
    assert min(parts) >= 1


async def test_delay_behind_each_slice() -> None:
    """Four slices at 2 ms come 2 ms apart."""
    rig = Rig(Slicer(25, 0, 2000))
    rig.feed(bytes(range(100)), end=True)
    await asyncio.sleep(1)
    assert rig.times_s == [0, 0.002, 0.004, 0.006]
    assert rig.data == bytes(range(100))


async def test_short_delays_are_saved_up() -> None:
    """Delays below the timer's step hold on average."""
    rig = Rig(Slicer(1, 0, 100))
    rig.feed(b"x" * 64, end=True)
    await asyncio.sleep(1)
    assert len(rig.arrivals) == 64
    assert rig.ended_at_s is not None
    assert 0.005 <= rig.ended_at_s <= 0.0065


async def test_interruption_passes_the_rest_in_one() -> None:
    """What is not yet sliced follows whole."""
    rig = Rig(Slicer(25, 0, 1_000_000))
    rig.feed(bytes(range(100)))
    await asyncio.sleep(1.5)
    rig.stage.interrupt()
    assert [len(data) for _, data in rig.arrivals] == [25, 25, 50]
    assert rig.data == bytes(range(100))
