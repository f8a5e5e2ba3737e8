"""How the lab runs Toxiproxy: the real server where there is one, else the embedded one in a fork."""

from pathlib import Path

from rulezero.lab import ready
from rulezero.lab.messages import Preload, Start
from rulezero.lab.parts import Parts
from rulezero.lab.ports import LOOPBACK

TOXIPROXY = "toxiproxy"
_EMBEDDED = "rulezero.toxiproxy.server:main"
_ENVIRONMENT = {"LOG_LEVEL": "warn"}  # The real server's default is a line per connection and direction.
_START_TIMEOUT_S = 15.0


async def start(
    parts: Parts, server: Path | None, port: int, *, seed: int, folder: Path, count_bytes: bool = False
) -> None:
    """Start it and wait until it is ready; `count_bytes` makes it tell the bytes of each link. Raises Problem."""
    if server is None:  # Most of what it imports, our services need as well.
        await parts.control.ask(Preload(_EMBEDDED.partition(":")[0]))
    flags = ["-host", LOOPBACK, "-port", str(port), "-seed", str(seed), *(["-proxy-metrics"] if count_bytes else [])]
    await parts.start(
        Start(
            name=TOXIPROXY,
            argv=[str(server), *flags] if server else [],
            target=_EMBEDDED,
            arguments={"argv": flags},
            folder=str(folder),
            environment=_ENVIRONMENT,
        )
    )
    await parts.until_ready(TOXIPROXY, ready.accepts(port), _START_TIMEOUT_S)
