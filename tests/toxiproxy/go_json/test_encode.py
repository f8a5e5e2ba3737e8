"""Mirrors rulezero/toxiproxy/go_json/encode.py."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.toxiproxy.go_json.encode import encode_float32, encode_string


@pytest.mark.parametrize(
    ("number", "text"),
    [(1.0, "1"), (0.0, "0"), (-0.0, "-0"), (0.5, "0.5"), (0.1, "0.1"), (-0.25, "-0.25"), (1e-6, "0.000001"),
     (1e-7, "1e-7"), (1.5e-9, "1.5e-9"), (123456789.0, "123456790"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
     (3.4e38, "3.4e+38"), (12.5, "12.5")],
)  # fmt: skip
def test_floats_as_go_writes_them(number: float, text: str) -> None:
    """The fewest digits; an exponent only outside of 1e-6 to 1e21."""
    assert encode_float32(number) == text


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_read_back(number: float) -> None:
    """The text gives the same 32 bits."""
    assert struct.pack("f", float(encode_float32(number))) == struct.pack("f", number)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_strings_read_back_and_hold_no_markup(text: str) -> None:
    """The text is valid JSON without angle brackets, ampersands or line separators."""
    encoded = encode_string(text)
    assert json.loads(encoded) == text
    assert not set("<>&\u2028\u2029") & set(encoded)
