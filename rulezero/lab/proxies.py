"""The proxies of the lab in Toxiproxy, through the `toxiproxy-python` package, which blocks: call it in a thread."""

import os
from collections.abc import Mapping, Sequence

import requests
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from rulezero.errors import Problem
from rulezero.lab.links import Link
from rulezero.lab.ports import LOOPBACK

# The package looks at three statuses only; another refusal shows as a reply without the keys of a proxy.
_REFUSALS = (requests.RequestException, InvalidToxic, NotFound, ProxyExists, KeyError)


def connect(port: int) -> Toxiproxy:
    """Return a client of the server at a loopback port. The package keeps the address for the whole process."""
    client = Toxiproxy()
    client.update_api_consumer(LOOPBACK, port)
    return client


def create_links(
    client: Toxiproxy, links: Sequence[Link], upstreams: Mapping[str, str], listen: Mapping[str, str]
) -> dict[str, str]:
    """Make a proxy for each link and return where each listens; `upstreams` maps host names to addresses.

    A link listens on any free port, or where `listen` says. Raises Problem.
    """
    addresses = {}
    for link in links:
        wanted = listen.get(link.name, f"{LOOPBACK}:0")
        try:
            proxy = client.create(upstream=upstreams[link.host], name=link.name, listen=wanted, enabled=link.enabled)
        except _REFUSALS as error:
            raise Problem(f"toxiproxy refused the link {link.name} on {wanted} ({error}); see its log") from error
        addresses[link.name] = str(proxy.listen)
    return addresses


def reset(client: Toxiproxy) -> None:
    """Remove every toxic and enable every proxy. Raises Problem."""
    try:
        client.reset()
    except _REFUSALS as error:
        raise Problem(f"toxiproxy did not reset ({error}); see its log") from error


def toxics(client: Toxiproxy) -> list[str]:
    """Return what is wrong on purpose, "latency on edge-checkout". Raises Problem."""
    try:
        return [
            f"{toxic.type} on {name}" for name, proxy in client.proxies().items() for toxic in proxy.toxics().values()
        ]
    except _REFUSALS as error:
        raise Problem(f"toxiproxy does not tell its toxics ({error}); see its log") from error


def reach_loopback_directly() -> None:
    """Keep `requests` from sending loopback traffic to the HTTP proxy of a company."""
    for name in ("no_proxy", "NO_PROXY"):
        listed = os.environ.get(name, "")
        if LOOPBACK not in listed.split(","):
            os.environ[name] = f"{listed},{LOOPBACK}".lstrip(",")
