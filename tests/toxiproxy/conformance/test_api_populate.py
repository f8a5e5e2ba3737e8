"""POST /populate: makes a list of proxies exist."""

import pytest

from tests.toxiproxy.conformance.server_process import Api, free_port

pytestmark = pytest.mark.wall_clock


def entry_of(name: str, listen: str = "127.0.0.1:0", **fields: object) -> dict[str, object]:
    return {"name": name, "listen": listen, "upstream": "127.0.0.1:9", **fields}


@pytest.mark.parametrize("body", ["[]", "null"])
def test_nothing_to_populate(api: Api, body: str) -> None:
    """An empty list is a success with nothing in it."""
    answer = api.call("POST", "/populate", body)
    assert (answer.status, answer.text, answer.content_type) == (201, '{"proxies":null}', "application/json")


def test_creates_in_the_order_of_the_list(api: Api) -> None:
    """Every entry is made, enabled unless it says otherwise."""
    made = api.must("POST", "/populate", [entry_of("b"), entry_of("a", enabled=False), entry_of("c", enabled=None)])
    assert [(proxy["name"], proxy["enabled"]) for proxy in made["proxies"]] == [("b", True), ("a", False), ("c", True)]
    assert list(api.must("GET", "/proxies")) == ["a", "b", "c"]


def test_same_addresses_leave_the_proxy_alone(api: Api) -> None:
    """Toxics and the enabled state of an unchanged proxy stay."""
    listen = f"127.0.0.1:{free_port()}"
    api.must("POST", "/populate", [entry_of("a", listen)])
    api.add_toxic("a", "latency", latency=5)
    api.must("PATCH", "/proxies/a", {"enabled": False})
    again = api.must("POST", "/populate", [entry_of("a", listen)])["proxies"]
    assert [toxic["name"] for toxic in again[0]["toxics"]] == ["latency_downstream"]
    assert again[0]["enabled"] is False


@pytest.mark.parametrize("change", [{"upstream": "127.0.0.1:10"}, {"listen": "127.0.0.1:0"}])
def test_other_addresses_make_the_proxy_anew(api: Api, change: dict[str, object]) -> None:
    """A proxy with another listen or upstream loses its toxics."""
    entry = entry_of("a", f"127.0.0.1:{free_port()}")
    api.must("POST", "/populate", [entry])
    api.add_toxic("a", "latency", latency=5)
    again = api.must("POST", "/populate", [{**entry, **change}])["proxies"]
    assert again[0]["toxics"] == []


def test_others_are_not_touched(api: Api) -> None:
    """Populate removes nothing."""
    api.must("POST", "/populate", [entry_of("a")])
    api.must("POST", "/populate", [entry_of("b")])
    assert list(api.must("GET", "/proxies")) == ["a", "b"]


def test_bad_entry_makes_nothing(api: Api) -> None:
    """All entries are checked before the first is made."""
    answer = api.call("POST", "/populate", [entry_of("a"), {"name": "b"}])
    assert answer.status == 400
    assert answer.text == '{"error":"missing required field: upstream at proxy 2","status":400,"proxies":null}'
    assert api.must("GET", "/proxies") == {}


def test_busy_port_stops_half_way(api: Api) -> None:
    """What was made before the failure stays and is shown beside it."""
    busy = f"127.0.0.1:{api.port}"
    answer = api.call("POST", "/populate", [entry_of("a"), entry_of("b", busy), entry_of("c")])
    assert answer.status == 500
    assert answer.json["error"] == f"listen tcp {busy}: bind: address already in use"
    assert list(answer.json) == ["error", "status", "proxies"]
    assert [proxy["name"] for proxy in answer.json["proxies"]] == ["a"]
    assert list(api.must("GET", "/proxies")) == ["a"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "bad request body: EOF"),
        ("[", "bad request body: unexpected EOF"),
        ("[{}]", "missing required field: name at proxy 1"),
        ("[null]", "missing required field: name at proxy 1"),
        ("{}", "bad request body: json: cannot unmarshal object"),
        ("[5]", "bad request body: json: cannot unmarshal number"),
        ('[{"name":5}]', "bad request body: json: cannot unmarshal number"),
        ('[{"enabled":"x"}]', "bad request body: json: cannot unmarshal string"),
    ],
)
def test_bad_bodies(api: Api, body: str, error: str) -> None:
    """Errors come as JSON with a null list; Go's names of its own types are not compared."""
    answer = api.call("POST", "/populate", body)
    assert (answer.status, answer.content_type) == (400, "application/json")
    assert answer.json["error"].partition(" into Go ")[0] == error
    assert (answer.json["status"], answer.json["proxies"]) == (400, None)
