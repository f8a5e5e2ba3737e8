"""Odd values and spoilt texts, drawn from a seeded source: what a hand, a cut file or an attacker would send."""

import copy
import json
import string
from random import Random
from typing import Any

_NUMBERS: tuple[Any, ...] = (
    0, -0.0, 1, -1, 2, 0.5, 1e308, -1e308, 1e-320, 10**6, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30,
    10**400, float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
_TEXTS = (
    "", " ", "a", "a\nb", "\r", "\t", "\0", "\x7f", "\u2028", "é", "\U0001f525", "x" * 5000, "../../etc/passwd", "a/b",
    "a:b:c", "edge:8000", "127.0.0.1:0", "none", "null", "true", "1e999", "-", "%s%n", "{{x}}", "<script>", "'", '"',
    "timeout", "latency", "edge", "payment", "fault", "browse", "[::1]:0", "\u0661", "1_0", "0x10", ";drop table x",
)  # fmt: skip
_PIECES = (
    *string.punctuation, "\n", "\r\n", "\0", "\ufeff", '"""', "'''", "\\u0000", "\\ud800", "[[", "]]", "{}", "[]",
    "nan", "inf", "-", "9" * 30, "9" * 5000, "1e400", "[" * 3000, "{" * 3000, '{"a":' * 2000, "é", "\x80", "null",
)  # fmt: skip
_DEPTH_MAX = 4


def value(random: Random, depth: int = 0) -> Any:
    """Return anything that JSON or Python can hold."""
    kind = random.randrange(8 if depth < _DEPTH_MAX else 5)
    if kind == 0:
        return random.choice((True, False, None))
    if kind in (1, 2):
        return random.choice(_NUMBERS)
    if kind in (3, 4):
        return random.choice(_TEXTS)
    if kind == 5:
        return [value(random, depth + 1) for _ in range(random.randrange(4))]
    if kind == 6:
        return nested(random)
    return {random.choice(_TEXTS): value(random, depth + 1) for _ in range(random.randrange(4))}


def nested(random: Random) -> Any:
    """Return a value a few to some hundred levels deep."""
    inside: Any = random.choice(_NUMBERS)
    for _ in range(random.choice((3, 30, 300))):
        inside = [inside] if random.random() < 0.5 else {"a": inside}
    return inside


def text(random: Random) -> str:
    """Return an odd text."""
    return random.choice(_TEXTS)


def changed(random: Random, original: Any) -> Any:
    """Return a copy of a JSON value with one to three places changed: replaced, removed, doubled, renamed."""
    root = [copy.deepcopy(original)]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        _change_somewhere(random, root)
    return root[0] if root else None


def _change_somewhere(random: Random, container: Any) -> None:
    while True:
        keys = list(range(len(container))) if isinstance(container, list) else list(container)
        if not keys:
            return
        key = random.choice(keys)
        inner = container[key]
        if not isinstance(inner, list | dict) or not inner or random.random() < 0.2:
            break
        container = inner
    kind = random.randrange(6)
    if kind == 0:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.append(copy.deepcopy(inner))
    elif kind == 1:
        container[text(random)] = container.pop(key)
    else:
        container[key] = value(random)


def spoilt(random: Random, original: str) -> str:
    """Return a text with a few characters or stretches changed."""
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(original) + 1)
        end = min(len(original), at + random.choice((0, 1, 1, 3, 20)))
        kind = random.randrange(5)
        if kind == 0:
            original = original[:at]
        elif kind == 1:
            original = original[:at] + original[at:end] * 2 + original[end:]
        elif kind == 2:
            original = original[:at] + original[end:]
        elif kind == 3:
            original = original[:at] + chr(random.randrange(1, 0x2FF)) + original[end:]
        else:
            original = original[:at] + random.choice(_PIECES) + original[end:]
    return original


def spoilt_bytes(random: Random, original: bytes) -> bytes:
    """Return bytes that are perhaps no text any more."""
    if random.random() < 0.3:
        return spoilt(random, original.decode("utf-8", "replace")).encode("utf-8", "replace")
    data = bytearray(original)
    for _ in range(random.choice((1, 2, 8))):
        if data:
            data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data[: random.randrange(len(data) + 1)] if random.random() < 0.2 else data)


def json_text(random: Random, original: Any) -> str:
    """Return JSON near to the original, or nearly JSON."""
    if random.random() < 0.7:
        original = changed(random, original)
    written = json.dumps(original)
    return spoilt(random, written) if random.random() < 0.4 else written


def toml_text(random: Random, original: str) -> str:
    """Return TOML near to the original, or nearly TOML."""
    lines = original.splitlines()
    if random.random() < 0.7:
        for _ in range(random.choice((1, 1, 2))):
            at = random.randrange(len(lines))
            key, equals, _ = lines[at].partition("=")
            lines[at] = f"{key}= {_literal(random)}" if equals else f"[{_key(random)}]"
        if random.random() < 0.3:
            lines.insert(random.randrange(len(lines) + 1), f"{_key(random)} = {_literal(random)}")
    written = "\n".join(lines)
    return spoilt(random, written) if random.random() < 0.4 else written


def _key(random: Random) -> str:
    return random.choice(
        ("x", '""', '"a\\nb"', "root", "timeout", "timeout.dependency", '"\u00e9"', ".".join("a" * 300))
    )


def _literal(random: Random) -> str:
    literals = (
        "0", "-1", "1e400", "nan", "-inf", "9" * 30, "9" * 5000, "true", '""', '"a\\u0000b"', "[]", "[[]]", "{}",
        "{a = {b = 1}}", "1979-05-27", "07:32:00", "[" * 200 + "]" * 200, "[" * 5000, f'"{"x" * 5000}"', '"edge"',
        '"a\\nb"', "0x7fffffffffffffffff", "[1, true]", '["edge", "edge"]', "1_000.5",
    )  # fmt: skip
    return random.choice(literals)
