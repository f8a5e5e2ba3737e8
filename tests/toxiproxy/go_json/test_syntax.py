"""Mirrors rulezero/toxiproxy/go_json/syntax.py; the conformance tests compare more texts with the original."""

import pytest

from rulezero.toxiproxy.go_json.syntax import find_problem, quote_character


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "EOF"),
        (b"\t ", "EOF"),
        (b"[", "unexpected EOF"),
        (b'{"a":tru', "unexpected EOF"),
        (b"-", "unexpected EOF"),
        (b"[1.]", "invalid character ']' after decimal point in numeric literal"),
        (b'{"a":{"b":[1,{"c":}]}}', "invalid character '}' looking for beginning of value"),
        (b'[[1],{"a":2}x', "invalid character 'x' after array element"),
        (b'{"a":[],"b"}', "invalid character '}' after object key"),
        (b"[" * 10_001, "invalid character '[' exceeded max depth"),
        (b"[" * 9_000, "unexpected EOF"),
    ],
)
def test_first_problem(body: bytes, problem: str) -> None:
    """The text names the character and what was expected of it."""
    assert find_problem(body) == problem


@pytest.mark.parametrize(
    ("character", "quoted"),
    [("a", "'a'"), ("'", r"'\''"), ('"', "'\"'"), ("\\", r"'\\'"), ("\n", r"'\n'"), ("\x01", r"'\x01'"),
     ("\x7f", r"'\x7f'"), ("\x85", r"'\u0085'"), ("\xe9", "'\xe9'")],
)  # fmt: skip
def test_quotes(character: str, quoted: str) -> None:
    """Bytes are quoted as Go quotes them."""
    assert quote_character(character) == quoted
