"""The endpoints about proxies: answers to good requests, and what they change."""

import re
import socket

import pytest

from tests.toxiproxy.conformance.server_process import Api, free_port

pytestmark = pytest.mark.wall_clock


def proxy_of(name: str = "p", **fields: object) -> dict[str, object]:
    return {"name": name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", **fields}


def is_open(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_version_is_json_with_a_line_break(api: Api) -> None:
    """The version endpoint names a version."""
    answer = api.call("GET", "/version")
    assert answer.status == 200
    assert answer.content_type == "application/json;charset=utf-8"
    assert re.fullmatch(r'\{"version": "[^"]+"\}\n', answer.text)


def test_no_proxies(api: Api) -> None:
    """Without proxies the list is an empty object."""
    answer = api.call("GET", "/proxies")
    assert (answer.status, answer.text, answer.content_type) == (200, "{}", "application/json")


def test_create_answers_every_field_in_order(api: Api) -> None:
    """A new proxy is shown with the port it really has."""
    answer = api.call("POST", "/proxies", proxy_of())
    port = answer.json["listen"].rpartition(":")[2]
    assert answer.status == 201
    assert answer.content_type == "application/json"
    assert answer.text == (
        f'{{"name":"p","listen":"127.0.0.1:{port}","upstream":"127.0.0.1:9","enabled":true,"Logger":{{}},"toxics":[]}}'
    )
    assert is_open(answer.json["listen"])


def test_create_twice_conflicts(api: Api) -> None:
    """A name is taken once."""
    api.must("POST", "/proxies", proxy_of())
    answer = api.call("POST", "/proxies", proxy_of())
    assert answer.status == 409
    assert answer.text == '{"error":"proxy already exists","status":409}\n'


def test_create_disabled_keeps_the_address_as_written(api: Api) -> None:
    """A disabled proxy does not resolve or open its port."""
    port = free_port()
    made = api.must("POST", "/proxies", proxy_of(enabled=False, listen=f"localhost:{port}"))
    assert made["enabled"] is False
    assert made["listen"] == f"localhost:{port}"
    assert not is_open(f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("listen", "shown"),
    [("localhost:0", r"127\.0\.0\.1:\d+"), ("0.0.0.0:0", r"(\[::\]|0\.0\.0\.0):\d+"), ("", r"(\[::\]|0\.0\.0\.0):\d+")],
)
def test_listen_is_resolved(api: Api, listen: str, shown: str) -> None:
    """Names become addresses, IPv4 first; every interface means both families where there are two."""
    made = api.must("POST", "/proxies", proxy_of(listen=listen))
    assert re.fullmatch(shown, made["listen"])


def test_keys_match_without_case_and_unknown_ones_are_ignored(api: Api) -> None:
    """Requests are read leniently; what follows the first value does not count."""
    body = '{"NAME":"p","Listen":"127.0.0.1:0","uPSTREAM":"127.0.0.1:9","color":1,"enabled":null} rest'
    answer = api.call("POST", "/proxies", body)
    assert answer.status == 201
    assert answer.json["enabled"] is True


def test_strings_are_escaped_for_html(api: Api) -> None:
    """Angle brackets, ampersands and line separators leave as escapes."""
    name = "<&>\u2028\u00e9"
    answer = api.call("POST", "/proxies", proxy_of(name))
    assert answer.text.startswith('{"name":"\\u003c\\u0026\\u003e\\u2028\u00e9"')
    assert answer.json["name"] == name
    api.must("DELETE", "/proxies/%3C%26%3E%E2%80%A8%C3%A9")


def test_list_is_sorted_by_name(api: Api) -> None:
    """The list is an object with a member per proxy."""
    for name in ("b", "a", "C"):
        api.must("POST", "/proxies", proxy_of(name))
    listed = api.must("GET", "/proxies")
    assert list(listed) == ["C", "a", "b"]
    assert listed["a"] == api.must("GET", "/proxies/a")


def test_delete_closes_the_port(api: Api) -> None:
    """A deleted proxy is gone, with nothing in the answer."""
    listen = api.must("POST", "/proxies", proxy_of())["listen"]
    answer = api.call("DELETE", "/proxies/p")
    assert (answer.status, answer.text) == (204, "")
    assert api.call("GET", "/proxies/p").status == 404
    assert not is_open(listen)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_disable_and_enable(api: Api, method: str) -> None:
    """Disabling closes the port, enabling opens the same one again."""
    listen = api.must("POST", "/proxies", proxy_of())["listen"]
    assert api.must(method, "/proxies/p", {"enabled": False})["enabled"] is False
    assert not is_open(listen)
    again = api.must(method, "/proxies/p", {"enabled": True})
    assert (again["enabled"], again["listen"]) == (True, listen)
    assert is_open(listen)


def test_update_of_nothing_changes_nothing(api: Api) -> None:
    """An update names only what changes; the name is not among it."""
    made = api.must("POST", "/proxies", proxy_of())
    assert api.must("PATCH", "/proxies/p", {}) == made
    assert api.must("PATCH", "/proxies/p", {"name": "q", "listen": made["listen"]}) == made


def test_update_moves_the_listener(api: Api) -> None:
    """Another listen address opens that one and closes the old one."""
    old = api.must("POST", "/proxies", proxy_of())["listen"]
    new = f"127.0.0.1:{free_port()}"
    moved = api.must("PATCH", "/proxies/p", {"listen": new, "upstream": "127.0.0.1:10"})
    assert (moved["listen"], moved["upstream"], moved["enabled"]) == (new, "127.0.0.1:10", True)
    assert is_open(new)
    assert not is_open(old)


def test_update_to_a_busy_port_leaves_the_proxy_disabled(api: Api) -> None:
    """A failed move is told, and the proxy keeps the address that failed."""
    api.must("POST", "/proxies", proxy_of())
    busy = f"127.0.0.1:{api.port}"
    answer = api.call("PATCH", "/proxies/p", {"listen": busy})
    assert answer.status == 500
    assert answer.text == f'{{"error":"listen tcp {busy}: bind: address already in use","status":500}}\n'
    shown = api.must("GET", "/proxies/p")
    assert (shown["listen"], shown["enabled"]) == (busy, False)


def test_reset_enables_proxies_and_removes_toxics(api: Api) -> None:
    """Reset undoes every fault."""
    for name in ("a", "b"):
        api.must("POST", "/proxies", proxy_of(name))
        api.add_toxic(name, "latency", latency=5)
        api.add_toxic(name, "noop", "upstream")
    api.must("PATCH", "/proxies/a", {"enabled": False})
    answer = api.call("POST", "/reset")
    assert (answer.status, answer.text) == (204, "")
    for proxy in api.must("GET", "/proxies").values():
        assert proxy["enabled"] is True
        assert proxy["toxics"] == []
