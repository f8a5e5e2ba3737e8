"""Statements on the primary: each on a connection of its own, which is closed; refusals are told in one line."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from rulezero.errors import Problem
from rulezero.runner.database_faults import execute
from tests.runner.fakes import NOBODY

DSN = f"postgresql://nobody@{NOBODY}/nothing"


@dataclass
class FakeConnection:
    """Remembers what was asked of it; fails at `fails_at` ("connect", "execute" or "close")."""

    fails_at: str = ""
    error: BaseException = field(default_factory=TimeoutError)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def connect(self, dsn: str, *, timeout: float) -> "FakeConnection":  # noqa: ASYNC109 - as asyncpg has it.
        self._act("connect", dsn, timeout)
        return self

    async def execute(self, sql: str, *, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg has it.
        self._act("execute", sql, timeout)

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109 - as asyncpg has it.
        self._act("close", "", timeout)

    def _act(self, step: str, what: str, timeout_s: float) -> None:
        assert 0 < timeout_s < 60
        self.asked.append((step, what))
        if step == self.fails_at:
            raise self.error


def run(monkeypatch: pytest.MonkeyPatch, connection: FakeConnection) -> None:
    monkeypatch.setattr(asyncpg, "connect", connection.connect)
    execute(DSN, "UPDATE pace SET slow_s = 1", "searches are slow")


def test_a_statement_has_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened for it and closed after it; every step is bounded."""
    connection = FakeConnection()
    run(monkeypatch, connection)
    assert connection.asked == [("connect", DSN), ("execute", "UPDATE pace SET slow_s = 1"), ("close", "")]


@pytest.mark.parametrize(
    ("fails_at", "error", "steps"),
    [
        ("connect", TimeoutError(), ["connect"]),
        ("connect", ConnectionResetError("reset"), ["connect"]),
        ("connect", asyncpg.CannotConnectNowError("starting up"), ["connect"]),
        ("execute", asyncpg.UndefinedTableError("no such table"), ["connect", "execute", "close"]),
        ("execute", TimeoutError(), ["connect", "execute", "close"]),
        ("execute", asyncpg.InterfaceError("closed"), ["connect", "execute", "close"]),
        ("close", TimeoutError(), ["connect", "execute", "close"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_a_refusal_is_told(
    monkeypatch: pytest.MonkeyPatch, fails_at: str, error: BaseException, steps: list[str]
) -> None:
    """One line: the fault, the kind of refusal and its words; what was opened is closed."""
    connection = FakeConnection(fails_at=fails_at, error=error)
    with pytest.raises(Problem) as told:
        run(monkeypatch, connection)
    assert str(told.value) == f"searches are slow: the primary refused: {type(error).__name__}: {error}"
    assert [step for step, _ in connection.asked] == steps


@pytest.mark.wall_clock
async def test_a_server_that_is_gone_is_told() -> None:
    """Connection refused, from a thread beside a loop that runs."""
    with pytest.raises(Problem, match=r"^searches are slow: the primary refused: ConnectionRefusedError: "):
        await asyncio.to_thread(execute, DSN, "SELECT 1", "searches are slow")


def test_what_is_no_refusal_is_not_dressed_up_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug shows as one."""
    bug: Any = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        run(monkeypatch, FakeConnection(fails_at="execute", error=bug))
