"""Which hosts may be loaded: this machine, and what the user names on purpose.

A load generator aimed at somebody else's host is an attack, so the default is to refuse. What is checked is a whole
address, without anything that another program could read differently: a query, a fragment, a user.
"""

import ipaddress
import os
import re
from urllib.parse import urlsplit

from rulezero.errors import UsageProblem

ALLOW_VARIABLE = "RULEZERO_ALLOW_TARGET"
HOST_PATTERN = r"[A-Za-z0-9._-]+"  # IPv4 or a name.
_FORM = re.compile(rf"http://({HOST_PATTERN}|\[[0-9A-Fa-f:.]+\])(:\w+)?/*", re.ASCII)


def check_target(url: str | None, *, allowed: str | None = None) -> tuple[str, int]:
    """Return (host, port) of a target that may be loaded.

    Args:
        url: "http://host[:port]".
        allowed: Host names besides loopback, separated by commas; default: the variable RULEZERO_ALLOW_TARGET.

    Raises:
        UsageProblem: No target, not plain HTTP to a host and port alone, or neither loopback nor allowed.

    """
    if not url:
        raise UsageProblem("no target to load; name one, as in -H http://127.0.0.1:8000")
    if not _FORM.fullmatch(url):
        raise UsageProblem(f"target {url}: not of the form http://host:port; write http://127.0.0.1:8000")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError as error:
        raise UsageProblem(f"target {url}: {error}; write http://127.0.0.1:8000") from None
    names = os.environ.get(ALLOW_VARIABLE, "") if allowed is None else allowed
    if not _is_loopback(host) and host not in {name.strip().lower() for name in names.split(",")}:
        raise UsageProblem(
            f"target {host} is not this machine; if you may load it, set {ALLOW_VARIABLE}={host} and try again"
        )
    return host, port


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
