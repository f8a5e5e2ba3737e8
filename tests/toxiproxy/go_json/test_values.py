"""Mirrors rulezero/toxiproxy/go_json/values.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.toxiproxy.go_json.values import JsonError, Number, Pairs, clean_text, read_value


def test_objects_keep_order_and_doubles() -> None:
    """A key may come twice."""
    assert read_value(b'{"b":1,"a":[true,null],"b":"x"}') == Pairs(
        [("b", Number("1")), ("a", [True, None]), ("b", "x")]
    )


def test_numbers_keep_their_spelling() -> None:
    """Go decides by the spelling."""
    assert read_value(b"[1, 1.0, -0, 1e5]") == [Number("1"), Number("1.0"), Number("-0"), Number("1e5")]


def test_only_the_first_value_counts() -> None:
    """What follows is ignored, whatever it is."""
    assert read_value(b' \n"a" {') == "a"


def test_bytes_that_are_no_text_are_replaced() -> None:
    """Neither broken UTF-8 nor half a surrogate pair is an error."""
    assert read_value(b'"\xff"') == "\ufffd"
    value = read_value(b'"\\ud800x"')
    assert isinstance(value, str)
    assert clean_text(value) == "\ufffdx"


@pytest.mark.parametrize("body", [b"NaN", b"-Infinity", b"[Infinity]", b"", b"{", b'"\t"', b"[1,]", b"\xef\xbb\xbf1"])
def test_refuses_what_go_refuses(body: bytes) -> None:
    """Python's parser is more lenient in places."""
    with pytest.raises(JsonError):
        read_value(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
def test_reads_what_python_writes(value: object) -> None:
    """Any document of Python's encoder is read."""
    read_value(json.dumps(value).encode())


def problem_of(body: bytes) -> str | None:
    """Return what is wrong with a body, if anything is."""
    try:
        read_value(body)
    except JsonError as problem:
        return str(problem)
    return None


@given(st.binary(max_size=60))
def test_garbage_only_raises_json_error(body: bytes) -> None:
    """Any bytes are a value or a JsonError with a text."""
    assert problem_of(body) != ""
