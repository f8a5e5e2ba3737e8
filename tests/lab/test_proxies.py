import os
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests
from toxiproxy.exceptions import ProxyExists

from rulezero.errors import Problem
from rulezero.lab.links import Link
from rulezero.lab.proxies import create_links, reach_loopback_directly, toxics

LINK = Link(name="users-edge", upstream="edge:8000", listen="0.0.0.0:21000", enabled=False)


class FakeToxiproxy:
    """Takes what it is asked to make, or refuses as the package does."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.listen = "127.0.0.1:4001"
        self._refusal = refusal

    def create(self, **wanted: Any) -> "FakeToxiproxy":
        """Make a proxy, which listens where this says."""
        self.asked.append(wanted)
        if self._refusal:
            raise self._refusal
        return self


def test_a_link_is_made_on_any_port_towards_the_part_behind_it() -> None:
    """Name and state are the file's, addresses are the lab's."""
    client = FakeToxiproxy()
    assert create_links(client, [LINK], {"edge": "127.0.0.1:5000"}, {}) == {"users-edge": "127.0.0.1:4001"}
    wanted = {"upstream": "127.0.0.1:5000", "name": "users-edge", "listen": "127.0.0.1:0", "enabled": False}
    assert client.asked == [wanted]


@pytest.mark.parametrize("refusal", [ProxyExists("there"), KeyError("name")])
def test_a_refusal_names_the_link(refusal: Exception) -> None:
    """The package tells some refusals only by a missing key."""
    with pytest.raises(Problem, match=r"toxiproxy refused the link users-edge on 127\.0\.0\.1:9 "):
        create_links(FakeToxiproxy(refusal), [LINK], {"edge": "127.0.0.1:5000"}, {"users-edge": "127.0.0.1:9"})


def test_toxics_are_told_with_their_links() -> None:
    """Those of all links; a server that is gone is told."""
    one, other = SimpleNamespace(type="latency"), SimpleNamespace(type="timeout")
    proxies = {
        "users-edge": SimpleNamespace(toxics=lambda: {"a": one, "b": other}),
        "edge-checkout": SimpleNamespace(toxics=dict),
    }
    client: Any = SimpleNamespace(proxies=lambda: proxies)
    assert toxics(client) == ["latency on users-edge", "timeout on users-edge"]

    def gone() -> None:
        raise requests.ConnectionError("refused")

    with pytest.raises(Problem, match="toxiproxy does not tell its toxics"):
        toxics(cast("Any", SimpleNamespace(proxies=gone)))


def test_loopback_never_goes_through_an_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was exempt before stays exempt; saying it twice changes nothing."""
    monkeypatch.setenv("no_proxy", "intranet")
    monkeypatch.delenv("NO_PROXY", raising=False)
    reach_loopback_directly()
    reach_loopback_directly()
    assert os.environ["no_proxy"] == "intranet,127.0.0.1"
    assert os.environ["NO_PROXY"] == "127.0.0.1"
