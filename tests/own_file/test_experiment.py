"""The file of one's own service: what becomes of it, and one line for everything that is wrong in it."""

import contextlib
import math
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from rulezero.errors import UsageProblem
from rulezero.faults import Toxic, Trace
from rulezero.load.targets import ALLOW_VARIABLE
from rulezero.own_file import experiment_from, read_own

EXAMPLE = Path(__file__).parents[2] / "examples/own_service/own_service.toml"
PATH = Path("shop.toml")
LEAST: dict[str, Any] = {
    "target": {"url": "http://127.0.0.1:8000"},
    "routes": [{"name": "home", "path": "/", "rate_rps": 10}],
}
WHOLE: dict[str, Any] = LEAST | {
    "hops": [{"name": "db", "upstream": "127.0.0.1:5432"}],
    "processes": [{"name": "web", "command": ["./web", "{hops.db}"], "env": {"DB": "{hops.db}"}}],
    "faults": [{"hop": "db", "type": "latency", "attributes": {"latency": 200}, "at_s": 1, "for_s": 2}],
    "arms": [{"name": "plain"}, {"name": "quick", "env": {"T": "1"}}],
    "checks": [
        {"arm": "plain", "phase": "fault", "at_most": 0.5},
        {"arm": "quick", "phase": "hold", "at_least": 0.9, "route": "home"},
    ],
}


def text(changes: dict[str, Any], base: dict[str, Any] | None = None) -> str:
    return tomlkit.dumps({**(WHOLE if base is None else base), **changes})


def test_the_example_is_an_experiment() -> None:
    """Its arms differ by environment, the first is the control, and its load needs no route of the shop."""
    experiment = read_own(EXAMPLE)
    assert experiment.name == "own_service"
    assert experiment.control.name == "no_timeout"
    assert experiment.arms[1].services == {"*": {"TIMEOUT_S": "0.1"}}
    assert [check.control for check in experiment.checks] == [True, False]
    (stream,) = experiment.streams
    assert stream.request is not None
    assert (stream.request.path, stream.deadline_s) == ("/items/{key}", 0.5)
    assert experiment.own is not None
    assert experiment.own.folder == str(EXAMPLE.parent)
    assert experiment.own.scraped == ["toxiproxy"]


def test_the_least_that_one_must_write() -> None:
    """A target and a route: one arm, no fault, nothing started."""
    experiment = experiment_from(text({}, LEAST), PATH)
    assert [arm.name for arm in experiment.arms] == ["as_it_is"]
    assert experiment.faults == ()
    assert experiment.own is not None
    assert experiment.own.target == "127.0.0.1:8000"


def test_faults_are_toxics_that_must_leave_a_trace() -> None:
    """In Toxiproxy's words; nobody tells how the fault shows."""
    (fault,) = experiment_from(text({}), PATH).faults
    assert isinstance(fault, Toxic)
    assert (fault.link, fault.type, fault.attributes, fault.for_s) == ("db", "latency", {"latency": 200}, 2)
    assert fault.signature == Trace()


@pytest.mark.parametrize(
    ("url", "headers", "host"),
    [
        ("http://shop.localhost:8000/", {}, "shop.localhost:8000"),
        ("http://localhost", {}, "localhost"),
        ("http://127.0.0.1:8000", {"X-Team": "a", "hOST": "shop.example"}, "shop.example"),
    ],
)
def test_requests_name_the_target_as_it_is_written(url: str, headers: dict[str, str], host: str) -> None:
    """Not the link that they go through; unless the route names a host itself, however it spells the header."""
    changes = {"target": {"url": url}, "routes": [{**LEAST["routes"][0], "headers": headers}]}
    (stream,) = experiment_from(text(changes, LEAST), PATH).streams
    assert stream.request is not None
    others = {name: value for name, value in headers.items() if name.lower() != "host"}
    assert stream.request.headers == {"Host": host, **others}


def test_a_single_arm_that_falls_confirms_its_check() -> None:
    """With nothing to compare it with, that it falls is the claim, and not a condition."""
    one = {"arms": [{"name": "plain"}], "checks": [{"arm": "plain", "phase": "fault", "at_most": 0.5}]}
    assert [check.control for check in experiment_from(text(one), PATH).checks] == [False]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"speed": 1}, "unknown field `speed`"),
        ({"target": {}}, "$.target"),
        ({"target": {"url": "https://127.0.0.1"}}, "target.url"),
        ({"target": {"url": "http://127.0.0.1:8000/api"}}, "target.url"),
        ({"target": {"url": "http://127.0.0.1:99999"}}, "no such port - at `target.url`"),
        ({"routes": []}, "$.routes"),
        ({"routes": [{"name": "a,b", "path": "/", "rate_rps": 1}]}, "$.routes[0].name"),
        ({"routes": [{"name": "a\n", "path": "/", "rate_rps": 1}]}, "$.routes[0].name"),
        ({"routes": [{"name": "a", "path": "/ HTTP/1.1\r\nX: 1", "rate_rps": 1}]}, "$.routes[0].path"),
        ({"routes": [{"name": "a", "path": "/", "rate_rps": 0}]}, "$.routes[0].rate_rps"),
        ({"routes": [{"name": "a", "path": "/", "rate_rps": math.nan}]}, "rate_rps"),
        ({"routes": [{"name": "a", "path": "/", "rate_rps": 1, "keys": {"low": 2, "high": 1}}]}, "routes[0].keys"),
        ({"routes": [{"name": "a", "path": "/", "rate_rps": 1, "headers": {"Connection": "x"}}]}, "routes[0].headers"),
        ({"routes": [{"name": "a", "path": "/", "rate_rps": 1, "headers": {"X": "1\r\n"}}]}, "$.routes[0].headers"),
        ({"routes": [LEAST["routes"][0]] * 2}, "routes[1].name"),
        ({"slo": {"objective": 1}}, "$.slo.objective"),
        ({"phases": {"fault_s": -1}}, "$.phases.fault_s"),
        ({"hops": [{"name": "users", "upstream": "127.0.0.1:1"}]}, "'users' is taken"),
        ({"hops": [{"name": "db", "upstream": "127.0.0.1"}]}, "IPv4 or a name - at `hops[0].upstream`"),
        ({"hops": [{"name": "db", "upstream": "127.0.0.1:1", "listen": "127.0.0.1:1"}]}, "hops[0].listen"),
        ({"hops": [{"name": "db", "upstream": "127.0.0.1:1", "listen": "0.0.0.0:2"}]}, "$.hops[0].listen"),
        ({"hops": [{"name": "db", "upstream": "127.0.0.1:1", "listen": "127.0.0.1:70000"}]}, "hops[0].listen"),
        ({"hops": [{"name": "db", "upstream": "[::1]:5432"}]}, "IPv4 or a name - at `hops[0].upstream`"),
        ({"hops": [{"name": "db", "upstream": "localhost?.corp.example:80"}]}, "hops[0].upstream"),
        ({"hops": [{"name": "db", "upstream": "localhost#.corp.example:80"}]}, "hops[0].upstream"),
        ({"hops": [{"name": "db", "upstream": "user@localhost:80"}]}, "hops[0].upstream"),
        ({"hops": [{"name": "db", "upstream": ""}]}, "hops[0].upstream"),
        ({"target": {"url": "http://[::1]:8000"}}, "IPv4 or a name - at `target.url`"),
        ({"target": {"url": "http://localhost?.corp.example:80"}}, "target.url"),
        ({"processes": [{"name": "web", "command": ["x"], "ready": "[::1]:80"}]}, "a name - at `processes[0].ready`"),
        ({"processes": [{"name": "web", "command": ["x"], "ready": "a?b:80"}]}, "processes[0].ready"),
        ({"processes": [{"name": "web", "command": ["x"], "ready": "a:0"}]}, "no such port - at `processes[0].ready`"),
        ({"metrics": {"url": "http://[::1]:80/metrics"}}, "IPv4 or a name - at `metrics.url`"),
        ({"metrics": {"url": "http://localhost?@corp.example/metrics"}}, "metrics.url"),
        ({"metrics": {"url": "http://localhost:99999/metrics"}}, "no such port - at `metrics.url`"),
        ({"processes": [{"name": "web", "command": []}]}, "$.processes[0].command"),
        (
            {"processes": [{"name": "web", "command": ["x", "{hops.cache}"]}]},
            "no hop 'cache' - at `processes[0].command",
        ),
        ({"processes": [{"name": "web", "command": ["x"], "env": {"A=B": "c"}}]}, "processes[0].env"),
        ({"faults": [{"hop": "cache", "type": "latency"}]}, "there are: users, db - at `faults[0].hop`"),
        ({"faults": [{"hop": "db", "type": "slow"}]}, "'slow' is no toxic; there are: bandwidth, latency"),
        ({"faults": [{"hop": "db", "type": "latency", "attributes": {"delay": 1}}]}, "it has: latency, jitter"),
        ({"faults": [{"hop": "db", "type": "latency", "attributes": {"latency": -1}}]}, "$.faults[0].attributes"),
        ({"faults": [{"hop": "db", "type": "timeout", "at_s": 8, "for_s": 8}]}, "not lie in the fault phase"),
        ({"arms": []}, "$.arms"),
        ({"arms": [{"name": "../x"}]}, "$.arms[0].name"),
        ({"arms": [{"name": "plain"}, {"name": "plain"}]}, "arms[1].name"),
        ({"arms": [{"name": "plain"}, {"name": "quick", "env": {"A": "{hops.x}"}}]}, "arms[1].env"),
        ({"processes": []}, "none is started; add [[processes]]"),
        ({"checks": [{"arm": "slow", "phase": "fault", "at_least": 1}]}, "checks[0].arm"),
        ({"checks": [{"arm": "plain", "phase": "fault"}]}, "either at_least or at_most"),
        ({"checks": [{"arm": "plain", "phase": "fault", "at_least": 1, "route": "away"}]}, "checks[0].route"),
        ({"metrics": {"url": "127.0.0.1"}}, "$.metrics.url"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], told: str) -> None:
    """The file and the key, in one line."""
    with pytest.raises(UsageProblem) as raised:
        experiment_from(text(changes), PATH)
    assert told in str(raised.value)
    assert str(raised.value).startswith("shop.toml: ")


@pytest.mark.parametrize("broken", ["[target", "a = 1\na = 2", "x = " + "9" * 5000, "x = " + "[" * 5000])
def test_what_is_not_toml(broken: str) -> None:
    """As a problem of the user's, whatever the parser makes of it."""
    with pytest.raises(UsageProblem, match=r"shop\.toml"):
        experiment_from(broken, PATH)


def test_a_file_that_is_not_there_or_has_no_name(tmp_path: Path) -> None:
    """Nothing else is asked of a name than that a folder can have it."""
    with pytest.raises(UsageProblem, match="cannot be read"):
        read_own(tmp_path / "no.toml")
    path = tmp_path / "my service.toml"
    path.write_text(text({}, LEAST))
    with pytest.raises(UsageProblem, match="at `name`"):
        read_own(path)
    path.write_text(text({"name": "mine"}, LEAST))
    assert read_own(path).asked_as == f"'{path}'"


@pytest.mark.parametrize(
    "changes",
    [
        {"target": {"url": "http://shop.example"}},
        {"hops": [{"name": "db", "upstream": "shop.example:5432"}]},
        {"metrics": {"url": "http://shop.example/metrics"}},
        {"processes": [{"name": "web", "command": ["x"], "ready": "shop.example:5432"}]},
    ],
)
def test_another_machine_needs_leave(tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """By name; a record of it can be read without."""
    path = tmp_path / "shop.toml"
    path.write_text(text(changes))
    monkeypatch.delenv(ALLOW_VARIABLE, raising=False)
    with pytest.raises(UsageProblem, match=r"shop\.example is not this machine"):
        read_own(path)
    assert experiment_from(path.read_text(), path).name == "shop"
    monkeypatch.setenv(ALLOW_VARIABLE, "shop.example")
    assert read_own(path).name == "shop"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5
)


@given(ANYTHING, st.sampled_from([*WHOLE, "slo", "phases", "name", "metrics"]))
def test_any_value_is_taken_or_refused(value: Any, key: str) -> None:
    """Never with another error."""
    try:
        document = text({key: value})
    except (ValueError, TypeError, AttributeError):
        return  # No TOML has it.
    with contextlib.suppress(UsageProblem):
        experiment_from(document, PATH)
