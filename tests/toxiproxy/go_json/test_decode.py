"""Mirrors rulezero/toxiproxy/go_json/decode.py."""

import pytest

from rulezero.toxiproxy.go_json.decode import Struct, decode_list, decode_struct
from rulezero.toxiproxy.go_json.values import JsonError, read_value

INNER = Struct("Inner", "pkg.Inner", {"size": "int64"})
OUTER = Struct("Outer", "pkg.Outer", {"name": "string", "on": "bool", "share": "float32", "inner": INNER})


def decode(text: str) -> object:
    return decode_struct(read_value(text.encode()), OUTER)


def test_only_named_fields_are_returned() -> None:
    """Unknown keys and nulls leave nothing; keys match without case."""
    assert decode('{"NAME":"a","on":null,"x":1}') == {"name": "a"}
    assert decode("null") == {}


def test_later_values_win_and_objects_merge() -> None:
    """A key may come twice."""
    assert decode('{"name":"a","name":"b","inner":{"size":1},"inner":{}}') == {"name": "b", "inner": {"size": 1}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "json: cannot unmarshal array into Go value of type pkg.Outer"),
        ('{"name":1,"on":1}', "json: cannot unmarshal number into Go struct field Outer.name of type string"),
        ('{"on":"x"}', "json: cannot unmarshal string into Go struct field Outer.on of type bool"),
        ('{"inner":5}', "json: cannot unmarshal number into Go struct field Outer.inner of type pkg.Inner"),
        ('{"inner":{"size":true}}', "json: cannot unmarshal bool into Go struct field Inner.inner.size of type int64"),
        (
            '{"inner":{"size":1e3}}',
            "json: cannot unmarshal number 1e3 into Go struct field Inner.inner.size of type int64",
        ),
        ('{"share":1e39}', "json: cannot unmarshal number 1e39 into Go struct field Outer.share of type float32"),
    ],
)  # fmt: skip
def test_first_wrong_type_is_the_error(text: str, problem: str) -> None:
    """The text names the value, the field and the type."""
    with pytest.raises(JsonError) as raised:
        decode(text)
    assert str(raised.value) == problem


def test_bounds_of_integers() -> None:
    """64 bits, no more."""
    assert decode('{"inner":{"size":-9223372036854775808}}') == {"inner": {"size": -(2**63)}}
    with pytest.raises(JsonError):
        decode('{"inner":{"size":9223372036854775808}}')


def test_floats_are_rounded_to_32_bits() -> None:
    """A share is kept as the original keeps it."""
    assert decode('{"share":0.1}') == {"share": 0.10000000149011612}


def test_lists() -> None:
    """Null is an empty list, an object is none."""
    assert decode_list(None, INNER) == []
    assert decode_list([None, read_value(b'{"size":2}')], INNER) == [{}, {"size": 2}]
    with pytest.raises(JsonError, match=r"cannot unmarshal object into Go value of type \[\]pkg.Inner"):
        decode_list(read_value(b"{}"), INNER)
