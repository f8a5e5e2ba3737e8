"""An entry as it lies in the cache: one line of header, then the value.

Why a header: who reads an entry must know how long it took to load (early expiration), how long it may be served
stale, and which writing of it this is. Freshness itself is not in it: it is what is left of the entry's life by the
cache's own clock, less the time it is kept stale, so that no writer's or reader's clock matters.
"""

import re

from rulezero.calls import Entry

_HEADER = re.compile(rb"rz1 (?P<version>[\w-]{1,64}) (?P<load_ms>\d{1,12}\.\d{3}) (?P<keep_ms>\d{1,12})\n")


def encode(value: bytes, *, version: str, load_s: float, keep_s: float) -> bytes:
    """Return what to store for a value.

    Args:
        value: The value, any bytes.
        version: Up to 64 letters, digits, "_" or "-"; no two writings have the same.
        load_s: How long it took to load; kept to a microsecond.
        keep_s: How long it is kept after it has become stale; kept to a millisecond.

    """
    return b"rz1 %s %.3f %d\n%s" % (version.encode(), load_s * 1000, round(keep_s * 1000), value)


def decode(stored: bytes, *, left_s: float) -> Entry | None:
    """Return the entry, or None if this is none of ours or has no end.

    `left_s` is what is left of its life by the cache's clock; negative as Redis says it: no such key, or no expiry.
    """
    header = _HEADER.match(stored)
    if header is None or left_s < 0:
        return None
    return Entry(
        value=stored[header.end() :],
        fresh_s=left_s - int(header["keep_ms"]) / 1000,
        load_s=float(header["load_ms"]) / 1000,
        version=header["version"].decode(),
    )


def keep_s_of(stored: bytes) -> float | None:
    """Return how long a stored entry is kept after it has become stale, or None if this is none of ours."""
    header = _HEADER.match(stored)
    return int(header["keep_ms"]) / 1000 if header else None
