"""The toxiproxy-python package drives both servers."""

import pytest
from toxiproxy import Toxiproxy
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from tests.toxiproxy.conformance.server_process import Api, free_port
from tests.toxiproxy.conformance.wires import Wires, echo

pytestmark = pytest.mark.wall_clock


@pytest.fixture
def client(api: Api, monkeypatch: pytest.MonkeyPatch) -> Toxiproxy:
    """The package's client; it keeps its address in a class."""
    monkeypatch.setattr(APIConsumer, "host", "127.0.0.1")
    monkeypatch.setattr(APIConsumer, "port", api.port)
    return Toxiproxy()


def test_running_and_version(client: Toxiproxy) -> None:
    """The client finds the server."""
    assert client.running()
    assert client.version().startswith(b'{"version": "')


def test_create_get_and_destroy(client: Toxiproxy) -> None:
    """A proxy can be made, found by name, and removed."""
    made = client.create(upstream="127.0.0.1:9", name="p")
    found = client.get_proxy("p")
    assert (found.name, found.listen, found.upstream, found.enabled) == ("p", made.listen, "127.0.0.1:9", True)
    with pytest.raises(ProxyExists):
        client.create(upstream="127.0.0.1:9", name="p")
    assert client.destroy(found)
    assert client.get_proxy("p") is None
    with pytest.raises(NotFound):
        found.destroy()


def test_populate(client: Toxiproxy) -> None:
    """Its populate makes what is missing or differs, and returns just that."""
    entries = [{"name": name, "upstream": "127.0.0.1:9", "listen": f"127.0.0.1:{free_port()}"} for name in ("a", "b")]
    assert [proxy.name for proxy in client.populate(entries)] == ["a", "b"]
    assert client.populate(entries) == []
    entries[1]["upstream"] = "127.0.0.1:10"
    assert [proxy.name for proxy in client.populate(entries)] == ["b"]
    client.destroy_all()
    assert client.proxies() == {}


def test_toxics(client: Toxiproxy) -> None:
    """Toxics can be added, listed and removed; a bad one is refused."""
    proxy = client.create(upstream="127.0.0.1:9", name="p")
    proxy.add_toxic(type="latency", attributes={"latency": 50, "jitter": 5})
    proxy.add_toxic(type="noop", name="n", stream="upstream", toxicity=0.5)
    toxics = proxy.toxics()
    assert sorted(toxics) == ["latency_downstream", "n"]
    assert toxics["latency_downstream"].attributes == {"latency": 50, "jitter": 5}
    assert proxy.get_toxic("n").toxicity == 0.5
    with pytest.raises(InvalidToxic):
        proxy.add_toxic(type="fog")
    assert proxy.destroy_toxic("n")
    assert sorted(proxy.toxics()) == ["latency_downstream"]
    assert client.reset()
    assert proxy.toxics() == {}


async def test_down_and_up(api: Api, client: Toxiproxy) -> None:
    """`down` closes the port for as long as it lasts."""
    async with Wires(api) as wires:
        port = wires.proxy(await wires.serve(echo))
        with client.get_proxy("p").down(), pytest.raises(ConnectionRefusedError):
            await wires.connect(port)
        await (await wires.connect(port)).exchange_s()
