"""How the lab runs PostgreSQL: settings, command lines, and the statements that make and empty a database.

The data template is made by what is in this file, so any change to it makes a new one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from rulezero.lab.ports import LOOPBACK

ADMIN = "postgres"
USER = "rulezero"
FIRST_DATABASE = "postgres"

# fsync and full_page_writes guard against losing power, and these data are thrown away anyway.
# max_connections: the pools of all services at their largest (100 for an undefended one), and room to look on by hand;
# an unused one costs no resident memory. Autovacuum would add noise; the template is vacuumed once instead.
# A dead backend takes the whole server down, since a silent restart in the middle of a run would make the run a lie.
# dynamic_shared_memory_type=mmap keeps shared memory in the data directory, which is removed even after a kill -9.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "220",
    "max_locks_per_transaction": "16",
    "shared_buffers": "32MB",
    "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "replica",
    "hot_standby": "on",
    "max_wal_senders": "4",
    "wal_keep_size": "128MB",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "500ms",
    "max_wal_size": "1GB",
    "min_wal_size": "8MB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "track_functions": "all",
    "restart_after_crash": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_SETTINGS_FROM_18 = {"io_method": "worker", "io_workers": "1"}


def settings(major: int) -> str:
    """Return the lab's settings as lines of `postgresql.conf`."""
    chosen = _SETTINGS | (_SETTINGS_FROM_18 if major >= 18 else {})
    return "".join(f"{name} = '{value}'\n" for name, value in chosen.items())


def initdb_command(programs: Path, data: Path) -> list[str]:
    """Return the command that makes an empty cluster, which is open to anyone on loopback until `lock_down`."""
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions", "--wal-segsize=1"]
    return [str(programs / "initdb"), "-D", str(data), "-U", ADMIN, *options]


def server_command(programs: Path, data: Path, port: int, upstream: str = "") -> list[str]:
    """Return the command of a server; `upstream` ("host:port") makes it stream from there."""
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    if upstream:
        host, _, upstream_port = upstream.rpartition(":")
        server = f"host={host} port={upstream_port} user={USER} sslmode=disable gssencmode=disable"
        command += ["-c", f"primary_conninfo={server} application_name=standby"]
    return command


def mark_as_standby(data: Path) -> None:
    """Make a copy of a primary's data follow instead of lead."""
    (data / "standby.signal").touch()


def lock_down(data: Path) -> None:
    """Let only the unprivileged user in from now on: other users of the machine can reach loopback too.

    A superuser of PostgreSQL can run programs, so nobody may become one over the network.
    """
    lines = (f"host {database} {USER} {LOOPBACK}/32 trust\n" for database in ("all", "replication"))
    (data / "pg_hba.conf").write_text("".join(lines), encoding="ascii")


def dsn(address: str, database: str, user: str = USER) -> str:
    """Return how to connect to an address such as "127.0.0.1:5432"."""
    return f"postgresql://{user}@{address}/{database}?sslmode=disable"


async def execute(port: int, database: str, statements: Sequence[str], user: str = USER) -> None:
    """Run statements, each by itself. Raises OSError or asyncpg.PostgresError."""
    connection = await asyncpg.connect(dsn(f"{LOOPBACK}:{port}", database, user))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def make_database(port: int, database: str, schema: str) -> None:
    """Fill an empty cluster: one database, one user that owns it, the schema; then drop what only costs copying.

    Raises asyncpg.PostgresError, when the schema is at fault.
    """
    roles = [f"CREATE ROLE {USER} LOGIN REPLICATION", f"GRANT pg_monitor TO {USER}"]
    await execute(port, FIRST_DATABASE, [*roles, f"CREATE DATABASE {database} OWNER {USER}"], ADMIN)
    await execute(port, database, [schema])
    # The standard databases are two thirds of the files of a cluster.
    released = [f"ALTER DATABASE {name} IS_TEMPLATE false" for name in ("template0", "template1")]
    dropped = [f"DROP DATABASE {name}" for name in ("template0", "template1", FIRST_DATABASE)]
    granted = f"GRANT EXECUTE ON FUNCTION pg_stat_reset() TO {USER}"
    await execute(port, database, [*released, *dropped, granted, "VACUUM (FREEZE, ANALYZE)"], ADMIN)


def reset_statements(mutable_tables: Sequence[str]) -> list[str]:
    """Return the statements that empty the tables that requests write to."""
    return [f"TRUNCATE {', '.join(mutable_tables)} RESTART IDENTITY"] if mutable_tables else []


async def ask(port: int, database: str, query: str) -> Any:
    """Return the one value that a query selects. Raises OSError or asyncpg.PostgresError."""
    connection = await asyncpg.connect(dsn(f"{LOOPBACK}:{port}", database))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def ask_row(port: int, database: str, query: str) -> dict[str, Any]:
    """Return the one row that a query selects, by column. Raises OSError or asyncpg.PostgresError."""
    connection = await asyncpg.connect(dsn(f"{LOOPBACK}:{port}", database))
    try:
        row = await connection.fetchrow(query)
        return dict(row) if row is not None else {}
    finally:
        await connection.close()
