"""Write strings and 32-bit numbers as Go's encoder does: HTML-safe strings, shortest digits that read back."""

import json
import re
import struct
from typing import Final

_UNSAFE: Final = re.compile("[<>&\u2028\u2029]")
_PLAIN_MIN, _PLAIN_MAX = 1e-6, 1e21
_SHORT_DIGITS_MAX: Final = 9


def encode_string(text: str) -> str:
    """Return the quoted string, with <, >, & and the two Unicode line separators escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)


def encode_float32(number: float) -> str:
    """Return the fewest digits that give the same 32-bit number; an exponent only for the very small and large."""
    mantissa, exponent = _shortest(number).split("e")
    magnitude = int(exponent)
    if number == 0 or _PLAIN_MIN <= abs(number) < _PLAIN_MAX:
        return _plain(mantissa, magnitude)
    sign = "-" if magnitude < 0 else "+"
    digits = f"{abs(magnitude)}" if magnitude < 0 else f"{magnitude:02d}"
    return f"{mantissa}e{sign}{digits}"


def _shortest(number: float) -> str:
    packed = struct.pack("f", number)
    for digits in range(_SHORT_DIGITS_MAX):
        text = f"{number:.{digits}e}"
        if struct.pack("f", float(text)) == packed:
            return text
    return f"{number:.{_SHORT_DIGITS_MAX}e}"


def _plain(mantissa: str, magnitude: int) -> str:
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "")
    if magnitude < 0:
        return f"{sign}0.{'0' * (-magnitude - 1)}{digits}"
    whole = digits[: magnitude + 1].ljust(magnitude + 1, "0")
    fraction = digits[magnitude + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
