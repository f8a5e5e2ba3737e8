"""Whatever is in the file or in a request, it ends in toggles or in one line."""

from random import Random
from typing import Any

import pytest

from rulezero.errors import UsageProblem
from rulezero.toggles.presets import PRESETS
from rulezero.toggles.settings import NAMES, Toggles, defaults, parse
from tests.toggles.manual import store_on

SEED = 20_250_101
KEYS = (
    *NAMES,
    "enabled",
    "dependency",
    "payment",
    "timeout_s",
    "permits",
    "callers",
    "jitter",
    "a\nb",
    "",
    "é",
    "\u2028",
)
PIECES = (
    "[",
    "]",
    "=",
    "\n",
    ".",
    "'",
    '"',
    "{",
    "}",
    ",",
    "#",
    "true",
    "1",
    "-1e9",
    "nan",
    "[[",
    '"""',
    "\\",
    "\0",
    "\ud800",
    "\r",
)


def check(toggles: Toggles) -> None:
    """Whole, and of the right kinds."""
    assert set(toggles) == set(NAMES)
    for name, toggle in toggles.items():
        assert isinstance(toggle.enabled, bool)
        for config in (toggle.config, toggle.config_for("payment")):
            assert type(config) is type(defaults()[name].config)


def is_one_line(text: str) -> bool:
    return len(text.splitlines()) == 1 and len(text) < 500


def value(random: Random, depth: int = 0) -> Any:
    """Something that JSON or TOML can hold, near enough to what is allowed to get past the first checks."""
    plain: list[Any] = [
        True,
        False,
        0,
        1,
        -1,
        0.5,
        3600,
        1e308,
        float("nan"),
        float("inf"),
        10**30,
        10**400,
        "",
        "full",
    ]
    plain += ["a\nb", "x" * 5000, "timeout", "edge", [], {}, ["edge"], ["edge", "checkout"], [[[]]], {"a": {"b": {}}}]
    if depth > 3 or random.random() < 0.5:
        return random.choice([*plain, None])
    if random.random() < 0.3:
        return [value(random, depth + 1) for _ in range(random.randrange(3))]
    return {random.choice(KEYS): value(random, depth + 1) for _ in range(random.randrange(4))}


def toml_of(random: Random) -> str:
    """A table or two written down, sometimes well, then spoilt."""
    lines = []
    for _ in range(random.randrange(1, 5)):
        name = random.choice(KEYS[:9])
        lines.append(random.choice([f"[{name}]", f"[{name}.dependency.payment]", f'["{name}"]', f"[[{name}]]"]))
        values = ["1", "true", "-1", "nan", "[]", "{}", "'x'"]
        lines += [f"{random.choice(KEYS[6:11])} = {random.choice(values)}" for _ in range(random.randrange(3))]
    text = list("\n".join(lines))
    for _ in range(random.choice([0, 0, 1, 3])):
        text.insert(random.randrange(len(text) + 1), random.choice(PIECES))
    return "".join(text)


def test_any_text_ends_in_toggles_or_in_one_line() -> None:
    """Never in another exception: it would end the task that watches the file."""
    print(f"seed {SEED}")  # noqa: T201 - pytest shows it when the test fails.
    random, refused = Random(SEED), 0
    for _ in range(2500):
        soup = "".join(random.choice([*PIECES, *KEYS]) for _ in range(random.randrange(20)))
        text = random.choice([toml_of(random), toml_of(random), soup])
        try:
            check(parse(text, source="f"))
        except UsageProblem as problem:
            told = str(problem)
        else:
            continue
        refused += 1
        assert is_one_line(told), repr(text)
        assert told.startswith(("f: not valid TOML: ", "f, line ")), repr(text)
    assert 500 < refused < 2450, "the inputs no longer reach both ends"


def test_any_request_ends_in_toggles_or_in_one_line() -> None:
    """And a refused one leaves what is in force."""
    print(f"seed {SEED}")  # noqa: T201 - pytest shows it when the test fails.
    random, refused = Random(SEED), 0
    store, _ = store_on()
    for _ in range(2500):
        request: dict[str, Any] = {"expires_s": random.choice([1, 60.5, 60.5, 60.5, value(random)])}
        if random.random() < 0.3:
            request["preset"] = random.choice([*PRESETS, value(random)])
        if random.random() < 0.3:
            request["only"] = random.choice([[random.choice(NAMES)], value(random)])
        if random.random() < 0.7:
            request["defences"] = random.choice([{random.choice(NAMES): value(random)}, value(random)])
        if random.random() < 0.05:
            request[random.choice(KEYS)] = value(random)
        before = store.current
        try:
            store.override(request)
        except UsageProblem as problem:
            told = str(problem)
        else:
            check(store.current)
            continue
        refused += 1
        assert is_one_line(told), repr(request)[:1000]
        assert store.current is before
    assert 500 < refused < 2450, "the inputs no longer reach both ends"


@pytest.mark.parametrize("depth", [10, 500, 5000, 100_000])
def test_deep_nesting_ends_in_one_line(depth: int) -> None:
    """The parser is recursive."""
    shallow = min(depth, 500)  # Dotted keys are no recursion, but take the parser the square of their length.
    nested = (f"a = {'[' * depth}{']' * depth}", f"[{'.'.join('a' * shallow)}]", "timeout" + ".a" * shallow + " = 1")
    for text in nested:
        with pytest.raises(UsageProblem) as caught:
            parse(text, source="f")
        assert is_one_line(str(caught.value))
