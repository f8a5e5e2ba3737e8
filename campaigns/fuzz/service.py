"""A service process: its admin port, and the headers that travel between services."""

import json
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from campaigns.fuzz import odd
from campaigns.fuzz.live import Server, ask, free_ports, throw
from campaigns.fuzz.requests import malformed, request, some_headers
from campaigns.fuzz.target import ROOT, Target, Unhandled

_HEALTH = request("GET", "/health")
_PLAIN = request("GET", "/plain")
_METHODS = ("PUT", "PUT", "PUT", "DELETE", "GET", "POST", "PATCH", "HEAD", "BREW")
_PATHS = ("/admin/defences",) * 6 + ("/admin/defences/", "/metrics", "/health", "/", "/%00", "/admin/defences?x", "//")
_UNKNOWN_TO_HTTP = (501, 505)  # A method or a version of the protocol that no server need know.
_ORDERS: tuple[dict[str, Any], ...] = (
    {"preset": "all", "expires_s": 60},
    {"only": ["timeout", "retry"], "expires_s": 5.5},
    {"defences": {"timeout": {"enabled": True, "timeout_s": 0.5}}, "expires_s": 60},
    {"defences": {"bulkhead": {"permits": 9, "dependency": {"payment": {"permits": 3}}}}, "expires_s": 1},
)
_TRACES = (
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-" + "0" * 32 + "-b7ad6b7169203331-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
)  # fmt: skip
_DEADLINES = ("250", "0", "-5", "1e9", "nan", "inf", "0.5", "9" * 40, "1_0", "", " 100 ", "\u0661", "0x10", "5000,1")


class _Service(Target):
    """Starts the process."""

    def __enter__(self) -> Self:
        self._port, admin_port = free_ports(2)
        words = ["rulezero.service.process", "campaigns.fuzz.plain_app:create_app"]
        words += ["--port", str(self._port), "--admin-port", str(admin_port)]
        environment = {
            "RULEZERO_SERVICE": "fuzz",
            "RULEZERO_LINKS": "{}",
            "RULEZERO_DEFENCES_FILE": str(ROOT / "services/config/defences.toml"),
        }
        self._server = Server(words, admin_port, self._folder / "service.log", environment)
        self._server.until_it_answers(_HEALTH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def log(self) -> Path:
        """Return where the process writes."""
        return self._folder / "service.log"


class AdminApi(_Service):
    """PUT, DELETE and GET of the defences, and whatever else comes to the admin port."""

    name, share = "admin API", 6

    def attempt(self, random: Random) -> bool:
        """Send one request."""
        body = odd.json_text(random, random.choice(_ORDERS)).encode("utf-8", "surrogatepass")
        whole = request(random.choice(_METHODS), random.choice(_PATHS), body, some_headers(random))
        if random.random() < 0.3:
            answers = throw(self._server.port, malformed(random, whole), reset=random.random() < 0.3)
        else:
            answers = ask(self._server.port, whole, 1)
            if len(answers) != 1:
                raise Unhandled(f"no answer to {whole[:500]!r}")
        for answer in answers:
            if answer.status >= 500 and answer.status not in _UNKNOWN_TO_HTTP:
                raise Unhandled(f"{answer.status}: {answer.body[:500]!r}")
        self._server.check(_HEALTH)
        return bool(answers) and all(answer.status < 400 for answer in answers)


class TravellingHeaders(_Service):
    """`traceparent` and `X-Deadline-Ms`, with every defence on. A deadline that has passed is a 504 by design."""

    name, share = "headers", 4

    def __enter__(self) -> Self:
        super().__enter__()
        order = json.dumps({"preset": "all", "expires_s": 3600}).encode()
        ask(self._server.port, request("PUT", "/admin/defences", order), 1)
        return self

    def attempt(self, random: Random) -> bool:
        """Send one request."""
        headers = some_headers(random)
        if random.random() < 0.7:
            headers["traceparent"] = _header(random, random.choice(_TRACES))
        if random.random() < 0.7:
            headers["X-Deadline-Ms"] = _header(random, random.choice(_DEADLINES))
        answers = ask(self._port, request("GET", "/plain", None, headers), 1)
        if len(answers) != 1:
            raise Unhandled(f"no answer to {headers}")
        late = answers[0].status == 504 and b"x-outcome: timeout" in answers[0].head.lower()
        if answers[0].status >= 500 and not late:
            raise Unhandled(f"{answers[0].status} to {headers}: {answers[0].body[:500]!r}")
        self._server.check(_HEALTH)
        return answers[0].status == 200


def _header(random: Random, good: str) -> bytes:
    written = odd.spoilt(random, good) if random.random() < 0.5 else good
    return written.replace("\r", "").replace("\n", "").encode("utf-8", "surrogatepass")[:7000]
