"""Mirrors rulezero/toxiproxy/arguments.py."""

from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.toxiproxy.arguments import Arguments, parse_arguments


def test_defaults() -> None:
    """The API listens where Toxiproxy's does."""
    assert parse_arguments([]) == Arguments(
        host="localhost", port=8474, config=None, seed=None, version=False, proxy_metrics=False, runtime_metrics=False
    )


@pytest.mark.parametrize("dashes", ["-", "--"])
def test_flags_take_one_dash_or_two(dashes: str) -> None:
    """Values follow behind a space or an equals sign; a truth may stand alone."""
    argv = [f"{dashes}host", "::1", f"{dashes}port=5", f"{dashes}config=/c", f"{dashes}seed", "7",
            f"{dashes}version", f"{dashes}proxy-metrics=true", f"{dashes}runtime-metrics=F"]  # fmt: skip
    assert parse_arguments(argv) == Arguments(
        host="::1", port=5, config=Path("/c"), seed=7, version=True, proxy_metrics=True, runtime_metrics=False
    )


@pytest.mark.parametrize(
    "argv", [["-port", "x"], ["-port", "70000"], ["-seed=x"], ["-version=maybe"], ["-nope"], ["x"]]
)
def test_refuses_in_one_line(argv: list[str]) -> None:
    """A wrong flag is a usage problem, not an exit."""
    with pytest.raises(UsageProblem) as raised:
        parse_arguments(argv)
    assert "\n" not in str(raised.value)
