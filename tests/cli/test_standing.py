"""rulezero up, status, down: what they print and with which status they end."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rulezero.cli import main
from rulezero.lab import standing
from rulezero.lab.standing import Condition, State

Captured = pytest.CaptureFixture[str]


def state(dead: tuple[str, ...] = ()) -> State:
    made: dict[str, Any] = dict.fromkeys(State.__struct_fields__, "")
    made |= {
        "entry": "127.0.0.1:4000", "toxiproxy_api": "127.0.0.1:4001", "primary": "127.0.0.1:4002",
        "standby": "127.0.0.1:4003", "cache": "127.0.0.1:4004", "logs": "/logs",
        "admin": {"edge": "127.0.0.1:4005"}, "links": {"edge-catalog-1": "127.0.0.1:4006"}, "dead": dead,
        "prometheus": "127.0.0.1:4007", "grafana": "127.0.0.1:4008",
    }  # fmt: skip
    return State(**made)


@pytest.mark.parametrize(
    ("condition", "status", "told"),
    [
        (Condition.RUNNING, 0, "the lab is up"),
        (Condition.STARTING, 1, "the lab is starting"),
        (Condition.STOPPED, 1, "the lab is down; `rulezero up` starts it"),
        (Condition.DIED, 1, "the lab is dead"),
    ],
)
def test_status(
    condition: Condition, status: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """0 only when the lab is up; addresses only then, those of every part and link."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(standing, "status", lambda _: (condition, state(dead=("payment",))))
    assert main(["status"]) == status
    out = capsys.readouterr().out
    assert out.startswith(told)
    addresses = [f"127.0.0.1:{port}" for port in range(4000, 4009)]
    assert all(address in out for address in addresses) is (condition is Condition.RUNNING)
    assert ("payment; see its log" in out) is (condition is Condition.RUNNING)


def test_up_says_what_to_do_with_it(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Every address, the command for load by hand, and how to end it; the port that was asked for is passed on."""
    asked: list[int] = []

    async def up(_: object, *, port: int) -> State:
        asked.append(port)
        return state()

    monkeypatch.setattr(standing, "up", up)
    assert main(["up", "--port", "4000"]) == 0
    out = capsys.readouterr().out
    assert asked == [4000]
    assert "locust -f loadtests/shop.py -H http://127.0.0.1:4000" in out
    assert "http://127.0.0.1:4001" in out
    assert "rulezero down" in out


@pytest.mark.parametrize(
    ("condition", "told"), [(Condition.RUNNING, "the lab is down\n"), (Condition.STOPPED, "no lab was up\n")]
)
def test_down(condition: Condition, told: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Twice is no error."""

    async def down(root: Path) -> Condition:
        assert root == Path.cwd()
        return condition

    monkeypatch.setattr(standing, "down", down)
    assert main(["down"]) == 0
    assert capsys.readouterr().out == told


def test_what_a_machine_does_not_have_is_not_listed(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Prometheus and Grafana are there only where they are on PATH."""
    monkeypatch.setenv("COLUMNS", "200")
    plain = msgspec.structs.replace(state(), prometheus="", grafana="")
    for found, listed in ((state(), True), (plain, False)):
        monkeypatch.setattr(standing, "status", lambda _, found=found: (Condition.RUNNING, found))
        assert main(["status"]) == 0
        out = capsys.readouterr().out
        assert ("Prometheus" in out, "Grafana" in out) == (listed, listed)
