"""A toy shop for the lab, and ways to see what a lab has left behind."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from rulezero.lab.description import ShopDescription, read_description

CHECKOUT = Path(__file__).parents[2]
SCHEMA = """
CREATE TABLE orders (id serial PRIMARY KEY, item text);
CREATE TABLE items (name text);
INSERT INTO items VALUES ('shoe');
CREATE FUNCTION count_items() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM items';
"""
LINKS = [
    {"name": "users-edge", "listen": "0.0.0.0:21000", "upstream": "edge:8000", "enabled": True},
    {"name": "edge-payment", "listen": "0.0.0.0:21001", "upstream": "payment:8000", "enabled": True},
    {"name": "edge-cache", "listen": "0.0.0.0:21002", "upstream": "cache:6379", "enabled": True},
    {"name": "edge-replica", "listen": "0.0.0.0:21003", "upstream": "standby:5432", "enabled": True},
    {"name": "replica-primary", "listen": "0.0.0.0:21004", "upstream": "primary:5432", "enabled": True},
]


QUEUE_LINK = {"name": "edge-queue", "listen": "0.0.0.0:21005", "upstream": "queue:4222", "enabled": True}


def write_shop(folder: Path, *, schema: str = SCHEMA, app: str = "tests.lab.toy:app", queue: bool = False) -> Path:
    """Write a toy shop of two services and return its `lab.toml`."""
    (folder / "schema.sql").write_text(schema, encoding="utf-8")
    links = [*LINKS, QUEUE_LINK] if queue else LINKS
    (folder / "links.json").write_text(json.dumps(links), encoding="utf-8")
    path = folder / "lab.toml"
    path.write_text(
        f"""
schema = "{folder}/schema.sql"
links = "{folder}/links.json"
database = "shop"
mutable_tables = ["orders"]
process = "tests.lab.toy:main"

[[service]]
name = "edge"
app = "tests.lab.toy:app"

[[service]]
name = "payment"
service = "pay"
app = "{app}"
""",
        encoding="utf-8",
    )
    return path


def toy_shop(
    folder: Path, *, schema: str = SCHEMA, app: str = "tests.lab.toy:app", queue: bool = False
) -> ShopDescription:
    """Write and read a toy shop."""
    return read_description(write_shop(folder, schema=schema, app=app, queue=queue), CHECKOUT)


def processes_in(folder: Path) -> list[psutil.Process]:
    """Return the processes that run in a folder or name it on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            zombie = process.status() == psutil.STATUS_ZOMBIE
            here = process.cwd().startswith(str(folder)) or any(str(folder) in word for word in process.cmdline())
        except psutil.Error:
            continue
        if here and not zombie:
            found.append(process)
    return found


def names(processes: Sequence[psutil.Process]) -> list[str]:
    """Return what is needed to recognise processes in a failure."""
    return [f"{process.pid} {process}" for process in processes]


def leftovers(place: Path) -> list[str]:
    """Return the processes and files that a lab has left in the folder of temporary ones."""
    # The directory goes last, and looking at every process of the machine costs much.
    return files_in(place) or names(processes_in(place))


def files_in(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return [path.name for path in folder.iterdir()]


async def until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    """Return when the condition holds; it is looked at often. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - other processes set no events.
            await asyncio.sleep(0.02)
