"""The HTTP API of the embedded Toxiproxy: odd JSON to every endpoint, malformed requests, pipelines."""

import json
from random import Random
from types import TracebackType
from typing import Any, Self

from campaigns.fuzz import odd
from campaigns.fuzz.live import Answer, Server, ask, free_ports, throw
from campaigns.fuzz.requests import malformed, request, some_headers
from campaigns.fuzz.target import Target, Unhandled

_METHODS = ("GET", "POST", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "BREW")
_PATHS = (
    "/proxies", "/proxies", "/populate", "/proxies/p", "/proxies/p/toxics", "/proxies/p/toxics/latency_downstream",
    "/reset", "/version", "/metrics", "/", "/proxies/", "/proxies//toxics", "/proxies/%00", "/proxies/%ff/toxics/%2e",
    "/proxies/p/toxics/", "/proxies/" + "a" * 3000, "/PROXIES", "/proxies?x=1", "/proxies/p%20q",
)  # fmt: skip
_PROXY = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": True}
_TOXIC = {
    "name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1.0,
    "attributes": {"latency": 10, "jitter": 1},
}  # fmt: skip
_KINDS = ("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "noop", "x")
_ADDRESS = (b"listen tcp", b"address ", b"lookup ")
_PLAIN = request("GET", "/version")
_CLEARED_EVERY = 25
_PIPELINED_MAX = 8


class ToxiproxyApi(Target):
    """A live server on loopback. A 500 about an address is the API's own answer; every other one is a fault."""

    name, share = "Toxiproxy API", 16

    def __enter__(self) -> Self:
        (port,) = free_ports(1)
        words = ["rulezero.toxiproxy", "-host", "127.0.0.1", "-port", str(port)]
        # A name that is no address is looked up; that it is not found should take no time.
        environment = {"RES_OPTIONS": "timeout:1 attempts:1"}
        self._server = Server(words, port, self._folder / "toxiproxy.log", environment)
        self._count = 0
        self._server.until_it_answers(_PLAIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def attempt(self, random: Random) -> bool:
        """Send one request, or several at once."""
        if self._count % _CLEARED_EVERY == 0:
            self._begin_again()
        self._count += 1
        kind = random.randrange(10)
        if kind < 6:
            answers = self._well_formed(random)
        elif kind < 9:
            answers = throw(self._server.port, malformed(random, _whole(random)), reset=random.random() < 0.3)
        else:
            answers = self._pipeline(random)
        for answer in answers:
            if answer.status >= 500 and not any(word in answer.body for word in _ADDRESS):
                raise Unhandled(f"{answer.status}: {answer.body[:500]!r}")
        self._server.check(_PLAIN)
        return bool(answers) and all(answer.status < 400 for answer in answers)

    def _well_formed(self, random: Random) -> list[Answer]:
        whole = _whole(random)
        answers = ask(self._server.port, whole, 1)
        if len(answers) != 1:
            raise Unhandled(f"no answer to {whole[:500]!r}")
        return answers

    def _pipeline(self, random: Random) -> list[Answer]:
        count = random.randrange(2, _PIPELINED_MAX)
        many = [
            request("GET", random.choice(("/version", "/proxies", "/proxies/p")), close=False) for _ in range(count)
        ]
        answers = ask(self._server.port, b"".join(many), count)
        if len(answers) != count:
            raise Unhandled(f"{len(answers)} answers to {count} requests at once")
        return answers

    def _begin_again(self) -> None:
        found = json.loads(ask(self._server.port, request("GET", "/proxies"), 1)[0].body)
        for name in found:
            ask(self._server.port, request("DELETE", f"/proxies/{_quoted(name)}"), 1)
        for path, body in (("/proxies", _PROXY), ("/proxies/p/toxics", _TOXIC)):
            ask(self._server.port, request("POST", path, json.dumps(body).encode()), 1)


def _whole(random: Random) -> bytes:
    body = odd.json_text(random, _body(random)).encode("utf-8", "surrogatepass")
    method = random.choice(_METHODS)
    return request(method, random.choice(_PATHS), body, some_headers(random))


def _body(random: Random) -> Any:
    kind = random.randrange(6)
    if kind == 0:
        return odd.value(random)
    if kind == 1:
        return [_PROXY, {**_PROXY, "name": "q"}]
    if kind in (2, 3):
        return {**_PROXY, "name": random.choice(("p", "q", odd.text(random)))}
    return {**_TOXIC, "name": random.choice(("", "t", odd.text(random))), "type": random.choice(_KINDS)}


def _quoted(name: str) -> str:
    return "".join(f"%{byte:02x}" for byte in name.encode("utf-8", "replace"))
