"""The primary and the standby of a lab: data from the template, servers, and starting over between two arms."""

import shutil
import signal
from pathlib import Path

import asyncpg

from rulezero.errors import StorageProblem, UsageProblem
from rulezero.lab import contents, postgres, ready, template
from rulezero.lab.contents import PRIMARY, STANDBY
from rulezero.lab.description import ShopDescription
from rulezero.lab.identity import Identity, give, require_access
from rulezero.lab.messages import Start
from rulezero.lab.parts import Parts
from rulezero.lab.ports import Ports
from rulezero.lab.programs import Postgres
from rulezero.lab.threads import to_the_end

START_TIMEOUT_S = 30.0
_INITDB = "initdb"
_MAKER = "template"
_COPY_ATTEMPTS = 2


class Database:
    """Both servers. `folder` is the lab's directory, which their data live in."""

    def __init__(self, description: ShopDescription, programs: Postgres, parts: Parts, folder: Path) -> None:
        self._description = description
        self._programs = programs
        self._parts = parts
        self._folder = folder
        self._identity = Identity()
        self.ports: dict[str, int] = {}

    def reserve(self, ports: Ports) -> None:
        """Choose where the servers will listen."""
        self.ports = {name: ports.reserve() for name in (PRIMARY, STANDBY)}

    async def prepare(self, identity: Identity) -> None:
        """Put the data of both servers in place, from a template that is made if there is none. Raises Problem."""
        self._identity = identity
        require_access(identity, self._folder)
        require_access(identity, self._programs.folder / "postgres")
        if identity.user is not None:
            self._folder.chmod(0o711)  # The database's user must pass through, no more.
        schema = await to_the_end(self._description.schema_path.read_text, encoding="utf-8")
        recipe = await to_the_end(Path(postgres.__file__).read_text, encoding="utf-8")
        key = template.template_key(self._programs.version, self._description.database, schema, recipe)
        cache = template.cache_folder()
        for _ in range(_COPY_ATTEMPTS):
            data = await to_the_end(template.find_template, cache, key)
            if data is None:
                data = await self._make_template(schema)
                await to_the_end(template.publish, data, cache, key)
            if await to_the_end(self._copy, data):
                return
        raise StorageProblem(f"{cache / key} disappears while it is copied; start again")

    async def start(self, name: str, upstream: str = "") -> None:
        """Start a server and wait for it; with `upstream`, as its standby, until it streams."""
        port, data = self.ports[name], self._folder / name
        await self._parts.start(self._server(name, data, port, upstream))
        probe = ready.answers_postgres(port, postgres.USER, self._description.database)
        await self._parts.until_ready(name, probe, START_TIMEOUT_S)
        if upstream:
            await self._parts.until_ready(name, self._streams, START_TIMEOUT_S)

    async def reset(self) -> None:
        """Empty the tables that requests write to, on both servers, and zero the statistics. Raises Problem."""
        await contents.empty(self._description, self.ports)

    def _server(self, name: str, data: Path, port: int, upstream: str = "") -> Start:
        return Start(
            name=name,
            argv=postgres.server_command(self._programs.folder, data, port, upstream),
            folder=str(data),
            death_signal=signal.SIGQUIT,  # PostgreSQL's immediate shutdown: it ends its own children.
            identity=self._identity,
        )

    async def _make_template(self, schema: str) -> Path:
        data = self._folder / _MAKER
        await to_the_end(data.mkdir, mode=0o700)
        await to_the_end(give, self._identity, data)
        command = postgres.initdb_command(self._programs.folder, data)
        start = Start(name=_INITDB, argv=command, folder=str(data), identity=self._identity)
        if await self._parts.run(start, START_TIMEOUT_S) != 0:
            raise self._parts.problem(_INITDB, "could not make a database")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(postgres.settings(self._programs.major))
        port = self.ports[PRIMARY]
        await self._parts.start(self._server(_MAKER, data, port))
        probe = ready.answers_postgres(port, postgres.ADMIN, postgres.FIRST_DATABASE)
        await self._parts.until_ready(_MAKER, probe, START_TIMEOUT_S)
        try:
            await postgres.make_database(port, self._description.database, schema)
        except asyncpg.PostgresError as error:
            raise UsageProblem(f"{self._description.schema_path}: {error}; correct the schema") from error
        await to_the_end(postgres.lock_down, data)
        await self._parts.stop(_MAKER, signal.SIGINT, START_TIMEOUT_S)  # PostgreSQL's fast shutdown, a clean one.
        return data

    def _copy(self, data: Path) -> bool:
        for name in (PRIMARY, STANDBY):
            try:
                template.copy(data, self._folder / name)
            except FileNotFoundError:  # Another runner found the template damaged and removed it.
                shutil.rmtree(self._folder / name, ignore_errors=True)
                return False
            except OSError as error:
                raise StorageProblem(
                    f"{self._folder.parent} cannot hold the lab's data ({error.strerror});"
                    " make room there or set TMPDIR to another folder"
                ) from error
        postgres.mark_as_standby(self._folder / STANDBY)
        for name in (PRIMARY, STANDBY):
            give(self._identity, self._folder / name)
        return True

    async def _streams(self) -> bool:
        query = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        return bool(await postgres.ask(self.ports[STANDBY], self._description.database, query))
