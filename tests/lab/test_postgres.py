from pathlib import Path

import pytest

from rulezero.lab import postgres


def test_settings_of_18_are_not_given_to_older_servers() -> None:
    """An unknown setting stops PostgreSQL from starting."""
    assert "io_method" in postgres.settings(18)
    assert "io_method" not in postgres.settings(15)
    assert "listen_addresses = '127.0.0.1'\n" in postgres.settings(15)


def test_only_the_unprivileged_user_is_let_in(tmp_path: Path) -> None:
    """A superuser of PostgreSQL can run programs, and others on the machine can reach loopback."""
    postgres.lock_down(tmp_path)
    rules = (tmp_path / "pg_hba.conf").read_text(encoding="ascii").splitlines()
    assert [rule.split()[2] for rule in rules] == [postgres.USER, postgres.USER]
    assert all("127.0.0.1/32" in rule for rule in rules)


@pytest.mark.parametrize(("tables", "count"), [((), 0), (("orders", "charges"), 1)])
def test_nothing_is_emptied_when_nothing_is_written(tables: tuple[str, ...], count: int) -> None:
    """All tables go in one statement, so that foreign keys between them are no obstacle."""
    statements = postgres.reset_statements(tables)
    assert len(statements) == count
    assert all(table in statements[0] for table in tables)


def test_a_standby_is_told_where_to_stream_from() -> None:
    """Through the address it is given: the link."""
    command = postgres.server_command(Path("/bin"), Path("/data"), 5000, upstream="127.0.0.1:6000")
    assert "host=127.0.0.1 port=6000" in command[-1]
    assert "-c" not in postgres.server_command(Path("/bin"), Path("/data"), 5000)
