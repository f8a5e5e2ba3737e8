"""Put a JSON value into named, typed fields the way Go's decoder does.

Keys match without regard to case, null leaves a field alone, unknown keys are ignored, and the first value of the
wrong type is the error.
"""

import re
import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

from rulezero.toxiproxy.go_json.values import JsonError, JsonValue, Number, Pairs, clean_text

FLOAT32_MAX: Final = 3.4028235677973366e38
"""From here on a number rounds to infinity in 32 bits (midpoint behind the largest finite value)."""
INTEGER_MAX: Final = 2**63 - 1
INTEGER_MIN: Final = -(2**63)
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}\Z")

Scalar: TypeAlias = str | bool | int | float
Decoded: TypeAlias = "dict[str, Scalar | Decoded]"


@dataclass(frozen=True, slots=True)
class Struct:
    """A Go struct: its short name (in field errors), its full type (in value errors) and its fields by JSON key."""

    name: str
    type_name: str
    fields: "dict[str, str | Struct]"  # Scalar kinds are Go's names: string, bool, int, int64, float32.
    field_path: str = ""  # Stands before a field that an embedded struct brought in, e.g. "Proxy.".
    own_fields: frozenset[str] = frozenset()  # Fields which do not take `field_path`.

    def path_of(self, key: str) -> str:
        """Return the field as Go names it in an error."""
        return key if key in self.own_fields else self.field_path + key


def kind_of(value: JsonValue) -> str:
    """Return Go's word for the kind of a JSON value."""
    if isinstance(value, Pairs):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, Number):
        return "number"
    return "string" if isinstance(value, str) else "bool"


def decode_struct(value: JsonValue, target: Struct) -> Decoded:
    """Return the fields the value sets; raise `JsonError` on the first of the wrong type."""
    if value is None:
        return {}
    if not isinstance(value, Pairs):
        raise JsonError(f"json: cannot unmarshal {kind_of(value)} into Go value of type {target.type_name}")
    return _decode_pairs(value, target, "")


def decode_list(value: JsonValue, element: Struct) -> list[Decoded]:
    """Return the decoded elements of an array; null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise JsonError(f"json: cannot unmarshal {kind_of(value)} into Go value of type []{element.type_name}")
    items: list[JsonValue] = value
    return [decode_struct(item, element) for item in items]


def _decode_pairs(pairs: Pairs, target: Struct, path: str) -> Decoded:
    decoded: Decoded = {}
    for written_key, value in pairs:
        key = _match_key(written_key, target)
        if key is None or value is None:
            continue
        field = f"{path}{target.path_of(key)}"
        kind = target.fields[key]
        if isinstance(kind, Struct):
            if not isinstance(value, Pairs):
                raise _wrong_type(kind_of(value), target, field, kind.type_name)
            earlier = decoded.get(key)
            nested = _decode_pairs(value, kind, f"{field}.")
            decoded[key] = {**earlier, **nested} if isinstance(earlier, dict) else nested
        else:
            decoded[key] = _decode_scalar(value, kind, target, field)
    return decoded


def _match_key(written: str, target: Struct) -> str | None:
    if written in target.fields:
        return written
    folded = written.casefold()
    return next((key for key in target.fields if key.casefold() == folded), None)


def _decode_scalar(value: JsonValue, kind: str, owner: Struct, field: str) -> Scalar:
    if isinstance(value, Number) and kind in ("int", "int64", "float32"):
        number = _integer(value.literal) if kind != "float32" else to_float32(float(value.literal))
        if number is None:
            raise _wrong_type(f"number {value.literal}", owner, field, kind)
        return number
    if isinstance(value, str) and kind == "string":
        return clean_text(value)
    if isinstance(value, bool) and kind == "bool":
        return value
    raise _wrong_type(kind_of(value), owner, field, kind)


def _integer(literal: str) -> int | None:
    if not _INTEGER.match(literal):
        return None
    number = int(literal)
    return number if INTEGER_MIN <= number <= INTEGER_MAX else None


def to_float32(number: float) -> float | None:
    """Round to 32 bits, or None where that overflows."""
    if abs(number) >= FLOAT32_MAX:
        return None
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def _wrong_type(what: str, owner: Struct, field: str, type_name: str) -> JsonError:
    return JsonError(f"json: cannot unmarshal {what} into Go struct field {owner.name}.{field} of type {type_name}")
