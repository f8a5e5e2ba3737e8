"""House rules that a machine can check. CONTRIBUTING.md says why they are there."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("rulezero", "services", "toxics", "experiments", "loadtests", "campaigns", "benchmarks", "dashboards")
OUTSIDE = {"services", "toxics", "experiments", "loadtests", "dashboards"}
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 50
IGNORE = re.compile(r"#\s*(noqa\b(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[\w, -]+\])?)(?P<rest>.*)")
REASON_LETTERS_MIN = 5


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def comments(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_files_are_short() -> None:
    """One idea per file."""
    long = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files(*SOURCES)}
    assert {str(path.relative_to(ROOT)): count for path, count in long.items() if count > FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    """So that one can be read without scrolling."""
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}"
        for path in files(*SOURCES, "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_every_module_says_what_it_is() -> None:
    """A docstring comes first, in an `__init__.py` too."""
    assert named([path for path in files(*SOURCES) if not ast.get_docstring(parsed(path))]) == []


def test_tests_say_the_behaviour() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in files("tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_nothing_is_left_to_do() -> None:
    """What is not done is an issue, not a comment."""
    marks = re.compile("TODO|FIXME|XXX|HACK")
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files(*SOURCES, "tests")
        for line, text in comments(path)
        if marks.search(text)
    ]
    assert found == []


def test_every_ignore_has_its_reason() -> None:
    """On the same line, after the rule that is ignored."""
    bare = []
    for path in files(*SOURCES, "tests"):
        for line, text in comments(path):
            found = IGNORE.search(text)
            if found and len(re.findall(r"[A-Za-z]", found["rest"])) < REASON_LETTERS_MIN:
                bare.append(f"{path.relative_to(ROOT)}:{line} {text}")
    assert bare == []


@pytest.mark.parametrize(
    ("comment", "reasoned"),
    [
        ("# noqa: S311 - the point is a seed.", True),
        ("# type: ignore[misc]  # The platform's own class.", True),
        ("# noqa: S311", False),
        ("# noqa: S311, T201", False),
        ("# type: ignore[misc, valid-type]", False),
    ],
)
def test_the_rule_about_ignores_can_fail(comment: str, *, reasoned: bool) -> None:
    """The codes of rules are no reason."""
    found = IGNORE.search(comment)
    assert found is not None
    assert (len(re.findall(r"[A-Za-z]", found["rest"])) >= REASON_LETTERS_MIN) is reasoned


def test_locust_is_imported_under_loadtests_only() -> None:
    """It patches the standard library's sockets of whoever imports it."""
    elsewhere = [path for path in files(*SOURCES, "tests") if path.relative_to(ROOT).parts[0] != "loadtests"]
    roots = {"locust", "gevent", "geventhttpclient"}
    assert named([path for path in elsewhere if any(name.partition(".")[0] in roots for name in imports(path))]) == []


def test_rulezero_names_nothing_that_it_is_given() -> None:
    """Neither as an import nor as a module's name in a text: a checkout says what it holds."""
    found = [path for path in files("rulezero") if any(name.partition(".")[0] in OUTSIDE for name in imports(path))]
    texts = [
        path
        for path in files("rulezero")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _names_a_file(node.value)
    ]
    assert named(found) == []
    assert named(texts) == []


def _names_a_file(text: str) -> bool:
    parts = text.partition(":")[0].split(".")
    if parts[0] not in OUTSIDE or len(parts) == 1 or not all(part.isidentifier() for part in parts):
        return False
    path = ROOT / parts[0] / parts[1]
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.wall_clock
def test_imports_run_one_way() -> None:
    """The contracts in pyproject.toml hold."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_only_rulezero_is_installed() -> None:
    """No distribution may own names as common as `services` or `experiments`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["rulezero"]


def test_the_lock_file_names_no_host() -> None:
    """Packages come from wherever pip is told, and every one is pinned."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert "://" not in text
    assert not any(line.lstrip().startswith("-") for line in lines)
    assert [line for line in lines if not re.match(r"^[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", line)] == []


@pytest.mark.parametrize("folder", sorted(OUTSIDE))
def test_folders_of_a_checkout_are_packages(folder: str) -> None:
    """A folder without `__init__.py` loses to any installed package of the same name."""
    folders = {path.parent for path in files(folder)} | {ROOT / folder}
    assert sorted(str(one) for one in folders if not (one / "__init__.py").is_file()) == []


def test_every_defence_has_its_tests() -> None:
    """tests/defences/test_NAME.py for each rulezero/defences/NAME.py that decides something."""
    sources = {path.stem for path in files("rulezero/defences")} - {"__init__", "context"}
    tests = {path.stem.removeprefix("test_") for path in files("tests/defences") if path.stem.startswith("test_")}
    assert sources - tests == set()


def test_the_project_tells_no_place_of_its_making() -> None:
    """No absolute path of a developer's machine is in what is published."""
    private = re.compile(r"/(?:home|Users|work)/\w+")
    found = [path for path in files(*SOURCES) if private.search(path.read_text(encoding="utf-8"))]
    assert named(found) == []
