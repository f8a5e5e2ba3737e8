import json
from pathlib import Path
from typing import Any

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.links import Link, read_links
from tests.lab.support import LINKS

HOSTS = {"edge", "payment", "cache", "standby", "primary"}


def write(folder: Path, content: Any) -> Path:
    path = folder / "links.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_links_are_read_in_order(tmp_path: Path) -> None:
    """A link knows the host behind it."""
    links = read_links(write(tmp_path, LINKS), HOSTS, ["users-edge"])
    assert links[0] == Link(name="users-edge", listen="0.0.0.0:21000", upstream="edge:8000")
    assert [link.host for link in links] == ["edge", "payment", "cache", "standby", "primary"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{]", r"is not JSON: JSON is malformed: .*\(byte 2\); correct it there"),
        (b"\xff".decode("latin1"), "is not JSON"),
        ({"proxies": []}, r"Expected `array`, got `object`; write a list of name, listen, upstream, enabled"),
        (["edge"], r"Expected `object`, got `str` - at `\$\[0\]`"),
        ([{"name": "a"}], r"missing required field `upstream` - at `\$\[0\]`"),
        ([{"name": "a", "upstream": 5}], r"Expected `str`, got `int` - at `\$\[0\]\.upstream`"),
        ([{"name": "a", "upstream": "edge:80", "upstraem": ""}], r"unknown field `upstraem` - at `\$\[0\]`"),
        ([{"name": "a", "upstream": "edge"}], r"\$\[0\]\.upstream `edge` has no port; write host:port"),
        ([{"name": "", "upstream": "edge:1"}], r"\$\[0\]\.name `` cannot be a link's name"),
        ([{"name": "a/b", "upstream": "edge:1"}], r"\$\[0\]\.name `a/b` cannot be a link's name"),
        ([LINKS[0], LINKS[0]], r"\$\[1\]\.name `users-edge` is used twice; give each link its own"),
        (
            [{"name": "a", "upstream": "egde:80"}],
            r"\$\[0\]\.upstream names the unknown host `egde`; the lab has cache, ",
        ),
        (LINKS[1:], "the link `users-edge` is missing; add it"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_place(tmp_path: Path, content: Any, message: str) -> None:
    """Every kind of mistake in links.json."""
    path = write(tmp_path, content)
    with pytest.raises(UsageProblem, match=message) as told:
        read_links(path, HOSTS, ["users-edge"])
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    """The usual reason is the wrong folder."""
    with pytest.raises(UsageProblem, match=r"cannot be read .No such file or directory.; run from the root"):
        read_links(tmp_path / "links.json", HOSTS)
