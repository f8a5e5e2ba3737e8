"""How the lab runs Toxiproxy: the real server where there is one, else the embedded one in a fork."""

from pathlib import Path
from typing import Any

from rulezero.lab.ports import LOOPBACK

EMBEDDED = "rulezero.toxiproxy.server:main"
ENVIRONMENT = {"LOG_LEVEL": "warn"}  # The real server's default is a line per connection and direction.


def server_command(program: Path, port: int, seed: int) -> list[str]:
    """Return the command of the real server."""
    return [str(program), *_flags(port, seed)]


def embedded_arguments(port: int, seed: int) -> dict[str, Any]:
    """Return what the embedded server's function is called with."""
    return {"argv": _flags(port, seed)}


def _flags(port: int, seed: int) -> list[str]:
    return ["-host", LOOPBACK, "-port", str(port), "-seed", str(seed)]
