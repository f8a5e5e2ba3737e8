"""A process that holds a lab, to be killed: `python -m tests.lab.runner LAB_TOML LOGS` says where it is, then waits."""

import asyncio
import json
import sys
from pathlib import Path

from rulezero.lab.description import read_description
from rulezero.lab.lab import Lab, open_lab
from tests.lab.support import CHECKOUT


def ports(lab: Lab) -> list[int]:
    """Return every port of the lab."""
    dsns = [lab.database_dsn(role).partition("@")[2].partition("/")[0] for role in ("primary", "standby")]
    addresses = [lab.cache_address, lab.toxiproxy_api, *lab.links.values(), *lab.admin_addresses.values(), *dsns]
    return [int(address.rpartition(":")[2]) for address in addresses]


async def hold(path: Path, logs: Path) -> None:
    """Say where everything is; end when a part does."""
    async with open_lab(read_description(path, CHECKOUT), logs=logs) as lab:
        await lab.start_services({})
        sys.stdout.write(json.dumps({"processes": lab.processes(), "ports": ports(lab)}) + "\n")
        sys.stdout.flush()
        while not lab.exits():  # noqa: ASYNC110 - as a run looks once in a while.
            await asyncio.sleep(0.05)
        sys.stdout.write(json.dumps([part.name for part in lab.exits()]) + "\n")


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1]), Path(sys.argv[2])))
