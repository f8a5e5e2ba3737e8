"""A mean and its interval as text, and tables in Markdown: what the price list and the matrix share.

An effect is {"mean", "low", "high"}, the last two None where a single round has no interval; `scale` is 100 for what is
told in per cent or points.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rulezero.report.words import MISSING, number

Effect = Mapping[str, Any]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def signed(value: float | None, scale: float = 1.0) -> str:
    """Return a difference with its sign."""
    text = MISSING if value is None else number(value * scale)
    return f"+{text}" if value is not None and value > 0 and text not in ("0", MISSING) else text


def with_interval(effect: Effect | None, scale: float = 1.0) -> str:
    """Return a difference with its sign and the range it lies in: "+0.12 [+0.05, +0.19]"."""
    if effect is None:
        return MISSING
    ends = (effect["low"], effect["high"])
    between = "one round" if None in ends else ", ".join(signed(end, scale) for end in ends)
    return f"{signed(effect['mean'], scale)} [{between}]"


def level(effect: Effect | None, scale: float = 1.0) -> str:
    """Return a value that is no difference, with its range."""
    if effect is None:
        return MISSING
    if effect["low"] is None:
        return f"{number(effect['mean'] * scale)} [one round]"
    return f"{number(effect['mean'] * scale)} [{number(effect['low'] * scale)}, {number(effect['high'] * scale)}]"


def escaped(text: object) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
