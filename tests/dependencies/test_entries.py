import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rulezero.calls import Entry
from rulezero.dependencies.entries import decode, encode, keep_s_of

SECONDS = st.floats(0, 86_400)
STORED = encode(b"tea", version="v1", load_s=0.25, keep_s=30.0)


@given(value=st.binary(max_size=200), load_s=SECONDS, keep_s=SECONDS, left_s=SECONDS)
@example(value=b"", load_s=0.0, keep_s=0.0, left_s=0.0)
@example(value=b"rz1 v 1.000 1\n", load_s=1.0, keep_s=1.0, left_s=1.0)
def test_what_is_stored_is_read_again(value: bytes, load_s: float, keep_s: float, left_s: float) -> None:
    """Any bytes, times to a microsecond and a millisecond."""
    stored = encode(value, version="0af-_Z", load_s=load_s, keep_s=keep_s)
    entry = decode(stored, left_s=left_s)
    assert entry is not None
    assert (entry.value, entry.version) == (value, "0af-_Z")
    assert entry.load_s == pytest.approx(load_s, abs=1e-6)
    assert keep_s_of(stored) == pytest.approx(keep_s, abs=1e-3)
    assert entry.fresh_s == pytest.approx(left_s - keep_s, abs=1e-3)


@pytest.mark.parametrize(
    ("left_s", "fresh_s"), [(90.0, 60.0), (30.001, 0.001), (30.0, 0.0), (29.999, -0.001), (0.0, -30.0)]
)
def test_an_entry_is_fresh_until_only_its_keeping_is_left(left_s: float, fresh_s: float) -> None:
    """By what the cache says is left: no clock of a writer or a reader is asked."""
    entry = decode(STORED, left_s=left_s)
    assert entry is not None
    assert entry.fresh_s == pytest.approx(fresh_s)
    assert entry == Entry(value=b"tea", fresh_s=entry.fresh_s, load_s=0.25, version="v1")
    assert entry.fresh is (fresh_s > 0)


@pytest.mark.parametrize("left_s", [-0.001, -0.002])
def test_what_has_no_end_or_is_gone_is_a_miss(left_s: float) -> None:
    """Redis says -1 or -2; how fresh it is cannot be told."""
    assert decode(STORED, left_s=left_s) is None


@pytest.mark.parametrize(
    "stored",
    [
        b"", b"tea", b"[]", b"rz1", b"rz1 v1 250.000 30000", b"rz2 v1 250.000 30000\ntea", b"rz1  250.000 30000\ntea",
        b"rz1 v1 nan 30000\ntea", b"rz1 v1 -1.000 30000\ntea", b"rz1 v1 250.000 -1\ntea", b"rz1 v1 250 30000\ntea",
        b"rz1 v1 1e999.000 30000\ntea", b"rz1 " + b"v" * 65 + b" 1.000 1\ntea", b"rz1 v1 " + b"9" * 13 + b".000 1\n",
    ],
)  # fmt: skip
def test_what_is_none_of_ours_is_a_miss(stored: bytes) -> None:
    """Whoever wrote it."""
    assert decode(stored, left_s=60.0) is None
    assert keep_s_of(stored) is None


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader(stored: bytes) -> None:
    """At worst they are a miss."""
    assert decode(stored, left_s=1.0) is None
    assert decode(STORED[:20] + stored, left_s=1.0) is None or b"\n" in stored
