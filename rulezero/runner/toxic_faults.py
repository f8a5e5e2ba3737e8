"""Toxics put on a link and taken off again, through Toxiproxy's own client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from rulezero.errors import Problem
from rulezero.faults import Toxic


def client(api: str) -> Toxiproxy:
    """Return a client of a Toxiproxy's API at "host:port"; its methods block."""
    host, _, port = api.rpartition(":")
    toxiproxy = Toxiproxy()
    toxiproxy.update_api_consumer(host, int(port))
    return toxiproxy


def add(api: str, toxic: Toxic, name: str) -> None:
    """Put a toxic on its link. Blocks. Raises Problem."""
    with _explained(api, toxic):
        proxy = _proxy(api, toxic.link)
        proxy.add_toxic(
            name=name, type=toxic.type, stream=toxic.stream, toxicity=toxic.toxicity, attributes=toxic.attributes
        )
        if proxy.get_toxic(name) is None:  # The client takes some refusals for a success.
            raise Problem(f"{toxic.text}: Toxiproxy at {api} did not take it")


def remove(api: str, toxic: Toxic, name: str) -> None:
    """Take a toxic off its link. Blocks. Raises Problem."""
    with _explained(api, toxic):
        proxy = _proxy(api, toxic.link)
        proxy.destroy_toxic(name)
        if proxy.get_toxic(name) is not None:  # As above.
            raise Problem(f"{toxic.text}: Toxiproxy at {api} did not remove it")


def _proxy(api: str, link: str) -> Any:
    proxy = client(api).get_proxy(link)
    if not proxy:
        raise Problem(f"Toxiproxy has no proxy {link}; check the links file")
    return proxy


@contextmanager
def _explained(api: str, toxic: Toxic) -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, NotFound, InvalidToxic, ProxyExists) as error:
        raise Problem(f"{toxic.text}: Toxiproxy at {api} refused: {error}") from None
