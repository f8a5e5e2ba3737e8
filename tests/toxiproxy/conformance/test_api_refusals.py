"""What the API refuses: browsers, wrong paths and methods, bodies that are no JSON."""

import pytest

from tests.toxiproxy.conformance.server_process import Api

pytestmark = pytest.mark.wall_clock

ENDPOINTS = [
    ("GET", "/proxies"), ("POST", "/proxies"), ("POST", "/populate"), ("POST", "/reset"), ("GET", "/version"),
    ("GET", "/proxies/p"), ("PATCH", "/proxies/p"), ("DELETE", "/proxies/p"), ("GET", "/proxies/p/toxics"),
    ("POST", "/proxies/p/toxics"), ("GET", "/proxies/p/toxics/t"), ("DELETE", "/proxies/p/toxics/t"),
]  # fmt: skip
SYNTAX_ERRORS = {
    b"": "EOF",
    b" \n": "EOF",
    b"{": "unexpected EOF",
    b'{"name"': "unexpected EOF",
    b'{"name":"x': "unexpected EOF",
    b"}": "invalid character '}' looking for beginning of value",
    b"nul!": "invalid character '!' in literal null (expecting 'l')",
    b"{name:1}": "invalid character 'n' looking for beginning of object key string",
    b'{"name" 1}': "invalid character '1' after object key",
    b'{"name":"a" "b"}': "invalid character '\"' after object key:value pair",
    b'{"a":[1 2]}': "invalid character '2' after array element",
    b'{"a":1,}': "invalid character '}' looking for beginning of object key string",
    b'{"a":[1,]}': "invalid character ']' looking for beginning of value",
    b'{"a":"\n"}': "invalid character '\\n' in string literal",
    b'{"a":"\\x"}': "invalid character 'x' in string escape code",
    b'{"a":"\\u12g4"}': "invalid character 'g' in \\u hexadecimal character escape",
    b'{"a":-x}': "invalid character 'x' in numeric literal",
    b'{"a":1.x}': "invalid character 'x' after decimal point in numeric literal",
    b'{"a":1ex}': "invalid character 'x' in exponent of numeric literal",
    b'{"a":01}': "invalid character '1' after object key:value pair",
    b"{'a':1}": "invalid character '\\'' looking for beginning of object key string",
    b'{"a":NaN}': "invalid character 'N' looking for beginning of value",
    b'{"a":\xc3\xa9}': "invalid character '\u00c3' looking for beginning of value",
    b"\x00": "invalid character '\\x00' looking for beginning of value",
    b"\\": "invalid character '\\\\' looking for beginning of value",
    b"[" * 20_000: "invalid character '[' exceeded max depth",
}


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_browsers_are_refused(api: Api, method: str, path: str) -> None:
    """A web page must not drive the API, whatever the path says."""
    answer = api.call(method, path, "{" if method != "GET" else None, agent="Mozilla/5.0 (X11)")
    assert (answer.status, answer.text) == (403, "User agent not allowed\n")


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/proxies/", "/proxies/p/", "/proxies/p/x", "/proxies/a%2Fb", "/metrics"]
)
def test_unknown_paths(api: Api, path: str) -> None:
    """There is nothing there; /metrics only exists where a flag asks for it."""
    answer = api.call("GET", path)
    assert (answer.status, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/proxies"), ("DELETE", "/proxies"), ("GET", "/reset"), ("GET", "/populate"), ("PUT", "/proxies/p"),
     ("HEAD", "/proxies"), ("PATCH", "/proxies/p/toxics"), ("POST", "/version")],
)  # fmt: skip
def test_wrong_methods(api: Api, method: str, path: str) -> None:
    """A path that exists answers 405 to other methods, with nothing in it."""
    answer = api.call(method, path)
    assert (answer.status, answer.text) == (405, "")


@pytest.mark.parametrize("path", ["//proxies", "/./proxies", "/x/../proxies"])
def test_unclean_paths_are_redirected(api: Api, path: str) -> None:
    """Doubled slashes and dots are resolved by the client."""
    assert api.call("GET", path).status == 301


@pytest.mark.parametrize("body", list(SYNTAX_ERRORS), ids=lambda body: repr(body[:20]))
def test_syntax_errors(api: Api, body: bytes) -> None:
    """A body that is no JSON is refused in the same words everywhere."""
    answer = api.call("POST", "/proxies", body)
    assert answer.status == 400
    assert answer.json == {"error": f"bad request body: {SYNTAX_ERRORS[body]}", "status": 400}
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("null", "missing required field: name"),
        ({"upstream": "a:1"}, "missing required field: name"),
        ({"name": "", "upstream": "a:1"}, "missing required field: name"),
        ({"name": "a"}, "missing required field: upstream"),
        ([], "bad request body: json: cannot unmarshal array"),
        ("5", "bad request body: json: cannot unmarshal number"),
        ({"name": 5, "upstream": True}, "bad request body: json: cannot unmarshal number"),
        ({"name": "a", "upstream": "b:1", "enabled": "yes"}, "bad request body: json: cannot unmarshal string"),
        ({"name": "a", "upstream": "b:1", "Logger": 3}, "bad request body: json: cannot unmarshal number"),
    ],
)
def test_wrong_shapes(api: Api, body: object, error: str) -> None:
    """JSON of the wrong shape is refused; Go's names of its own types are not compared."""
    answer = api.call("POST", "/proxies", body)
    assert answer.status == 400
    assert answer.json["error"].partition(" into Go ")[0] == error


@pytest.mark.parametrize(
    ("listen", "error"),
    [
        ("foo", "address foo: missing port in address"),
        ("a:b:c", "address a:b:c: too many colons in address"),
        ("[::1", "address [::1: missing ']' in address"),
        ("[::1]80", "address [::1]80: missing port in address"),
        ("127.0.0.1:99999", "address 99999: invalid port"),
        ("127.0.0.1:-1", "address -1: invalid port"),
        ("127.0.0.1:bad", "lookup tcp/bad: unknown port"),
    ],
)
def test_addresses_that_cannot_be_read(api: Api, listen: str, error: str) -> None:
    """A listen address is checked where it is used: by a create as it listens, by an update as it resolves."""
    body = {"name": "a", "upstream": "b:1", "listen": listen}
    answer = api.call("POST", "/proxies", body)
    assert (answer.status, answer.json["error"]) == (500, f"listen tcp: {error}")
    api.must("POST", "/proxies", {**body, "listen": "127.0.0.1:0"})
    answer = api.call("PATCH", "/proxies/a", {"listen": listen})
    assert (answer.status, answer.json["error"]) == (500, error)
    answer = api.call("POST", "/populate", [body])
    assert (answer.status, answer.json["error"], answer.json["proxies"]) == (500, error, None)


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "address already in use"), ("192.0.2.1", "cannot assign requested address")]
)
def test_addresses_that_cannot_be_had(api: Api, host: str, reason: str) -> None:
    """A port that cannot be opened is the server's error, and the proxy does not exist."""
    listen = f"{host}:{api.port}"
    answer = api.call("POST", "/proxies", {"name": "a", "upstream": "b:1", "listen": listen})
    assert (answer.status, answer.json["error"]) == (500, f"listen tcp {listen}: bind: {reason}")
    assert api.must("GET", "/proxies") == {}


@pytest.mark.parametrize("path", ["/proxies/x", "/proxies/x/toxics"])
def test_unknown_proxy(api: Api, path: str) -> None:
    """A proxy that does not exist is told before a body that cannot be read."""
    for method in ("GET", "POST"):
        answer = api.call(method, path, "{" if method == "POST" else None)
        assert (answer.status, answer.text) == (404, '{"error":"proxy not found","status":404}\n')
