"""What the lab is asked to run: `lab.toml` of a checkout, checked. The lab knows no service by name.

schema = "services/schema.sql"        # paths are relative to the root of the checkout
links = "toxics/links.json"
defences = "services/config/defences.toml"
database = "shop"
mutable_tables = ["orders", "charges"]

[[service]]
name = "catalog-1"                    # process, host name in links.json, instance
app = "services.catalog.app:create_app"
service = "catalog"                   # name in the metrics; default: the name
"""

import re
import tomllib
from pathlib import Path

import msgspec

from rulezero.errors import UsageProblem

PROGRAM_PARTS = ("primary", "standby", "cache", "queue", "toxiproxy")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_TARGET = re.compile(r"[\w.]+:\w+")


class ServiceDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One process of the shop."""

    name: str
    app: str
    service: str = ""


class ShopDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shop as `lab.toml` describes it, with `root` and `path` filled in by `read_description`.

    `mutable_tables` are emptied between arms, and `reset_sql` takes back whatever a fault did inside the database.
    `process` is the function that each service's process calls with `app`, `listen_fd` and `admin_fd`. `entry` is
    the link that the load goes to; `replication_link` is the one the standby streams through. `origin_loads_sql`
    counts, on either server, the loads that the cache should have saved, and `origin_operation` is the name of that
    statement in the services' metrics; `ledger_sql` returns one row of counts, on
    the primary, of what the requests did.
    """

    schema: str
    links: str
    database: str
    services: tuple[ServiceDescription, ...] = msgspec.field(name="service")
    mutable_tables: tuple[str, ...] = ()
    reset_sql: tuple[str, ...] = ()
    defences: str = ""
    process: str = "rulezero.service.process:main"
    entry: str = "users-edge"
    replication_link: str = "replica-primary"
    origin_loads_sql: str = ""
    origin_operation: str = ""
    ledger_sql: str = ""
    root: Path = Path()
    path: Path = Path()

    @property
    def schema_path(self) -> Path:
        """Return where the schema is."""
        return self.root / self.schema

    @property
    def links_path(self) -> Path:
        """Return where the links are."""
        return self.root / self.links


def read_description(path: Path, root: Path) -> ShopDescription:
    """Read and check a `lab.toml`. Raises UsageProblem that names the file, the line or key, and the remedy."""
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} cannot be read ({error}); run from the root of the checkout") from error
    except (ValueError, RecursionError) as error:  # A ValueError as such: a number of over 4300 digits.
        raise UsageProblem(f"{path} is not TOML: {error}; correct that line") from error
    for reserved in ("root", "path"):
        if reserved in described:
            raise UsageProblem(f"{path}: unknown key `{reserved}`; remove it")
    try:
        description = msgspec.convert(
            {**described, "root": str(root.absolute()), "path": str(path.absolute())},
            ShopDescription,
            dec_hook=lambda kind, value: kind(value),
        )
    except msgspec.ValidationError as error:
        raise UsageProblem(f"{path}: {error}; correct that key") from error
    _check(description)
    return description


def _check(description: ShopDescription) -> None:
    path = description.path
    seen = set(PROGRAM_PARTS)
    for service in description.services:
        if not _NAME.fullmatch(service.name):
            raise UsageProblem(f"{path}: service name `{service.name}` is no host name; use a-z, 0-9 and -")
        if service.name in seen:
            raise UsageProblem(f"{path}: the name `{service.name}` is taken already; give the service another one")
        seen.add(service.name)
        _check_target(path, service.app)
    _check_target(path, description.process)
    for identifier in (description.database, *description.mutable_tables):
        if not _IDENTIFIER.fullmatch(identifier):
            raise UsageProblem(f"{path}: `{identifier}` is no plain SQL name; use a-z, 0-9 and _")
    for file in (description.schema_path, description.links_path):
        if not _is_file(file):
            raise UsageProblem(f"{path}: there is no file {file}; correct the path")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # A name that is too long, or that no file can have.
        return False


def _check_target(path: Path, target: str) -> None:
    if not _TARGET.fullmatch(target):
        raise UsageProblem(f'{path}: `{target}` is not of the form "module:function"; correct it')
