"""Read the first JSON value of a request body.

Python's own parser does the work; only what it refuses is scanned again, for the text that Go would answer with. Like
Go's decoder, everything behind the first value is ignored.
"""

import json
import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from rulezero.toxiproxy.go_json.syntax import find_problem


class JsonError(ValueError):
    """The body is not what the endpoint wants; the message is Go's."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written, because Go decides by the spelling whether it fits an integer."""

    literal: str


class Pairs(list[tuple[str, "JsonValue"]]):
    """An object in document order; a key may come twice."""


JsonValue: TypeAlias = "Pairs | list[JsonValue] | str | Number | bool | None"

_SPACE = re.compile(r"[ \t\r\n]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are no JSON."""
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)


def read_value(body: bytes) -> JsonValue:
    """Return the first value of the body; raise `JsonError` with Go's words."""
    text = body.decode("utf-8", "replace")
    start = _SPACE.match(text)
    try:
        value, _ = _DECODER.raw_decode(text, start.end() if start else 0)
    except (ValueError, RecursionError):
        raise JsonError(find_problem(body)) from None
    result: JsonValue = value
    return result


def clean_text(text: str) -> str:
    """Replace halves of surrogate pairs, which no UTF-8 answer could carry."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
