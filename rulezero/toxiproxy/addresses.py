"""Network addresses as Toxiproxy writes them: `host:port`, read, resolved and reported by Go's rules.

The texts of the errors are part of the API. Source: behaviour of Go's `net` package, compared with a real server by
the conformance tests.
"""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

PORT_MAX: Final = 65_535


class AddressError(ValueError):
    """The address cannot be read or resolved; the message is Go's."""


@dataclass(frozen=True, slots=True)
class Address:
    """A resolved TCP address; an empty host means every interface."""

    host: str
    port: int

    @property
    def is_wildcard(self) -> bool:
        """Whether this means every interface."""
        return self.host in ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not chosen.

    def __str__(self) -> str:
        """Write it as Go does."""
        return join_host_port(self.host, self.port)


def join_host_port(host: str, port: int) -> str:
    """Write host and port, with brackets around an IPv6 host."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_host_port(text: str) -> tuple[str, str]:
    """Split at the last colon; raise `AddressError` where Go would."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise AddressError(f"address {text}: missing port in address")
    if text.startswith("["):
        return _split_bracketed(text)
    if ":" in host:
        raise AddressError(f"address {text}: too many colons in address")
    for bracket in "[]":
        if bracket in text:
            raise AddressError(f"address {text}: unexpected '{bracket}' in address")
    return host, port


def _split_bracketed(text: str) -> tuple[str, str]:
    end = text.find("]")
    if end < 0:
        raise AddressError(f"address {text}: missing ']' in address")
    rest = text[end + 1 :]
    if not rest.startswith(":"):
        problem = "too many colons in address" if ":" in rest else "missing port in address"
        raise AddressError(f"address {text}: {problem}")
    if ":" in rest[1:]:
        raise AddressError(f"address {text}: too many colons in address")
    for bracket in "[]":
        if bracket in text[1:end] or bracket in rest:
            raise AddressError(f"address {text}: unexpected '{bracket}' in address")
    return text[1:end], rest[1:]


def parse_port(text: str) -> int:
    """Return the number of a port or of a service name; an empty one is 0."""
    if not text:
        return 0
    if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit():
        port = int(text[:20])
        if not 0 <= port <= PORT_MAX:
            raise AddressError(f"address {text}: invalid port")
        return port
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        raise AddressError(f"lookup tcp/{text}: unknown port") from None


async def resolve(text: str) -> Address:
    """Resolve `host:port`, IPv4 first; raise `AddressError`."""
    if not text:
        return Address("", 0)
    host, port_text = split_host_port(text)
    port = parse_port(port_text)
    if not host:
        return Address("", port)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        raise AddressError(f"lookup {host}: no such host") from None
    hosts = [str(entry[4][0]) for entry in found]
    return Address(next((candidate for candidate in hosts if ":" not in candidate), hosts[0]), port)
