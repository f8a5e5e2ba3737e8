"""Open a listening socket the way Go's `net.Listen` does.

Every interface means both families, and a restart may reuse the port.
"""

import contextlib
import os
import socket
from typing import Final

from rulezero.toxiproxy.addresses import Address, AddressError, join_host_port, resolve

BACKLOG: Final = 4096


class ListenError(OSError):
    """The socket cannot be opened; the message is Go's."""


async def open_listener(text: str) -> socket.socket:
    """Return a bound, listening, non-blocking socket; raise `ListenError`."""
    try:
        address = await resolve(text)
    except AddressError as problem:
        raise ListenError(f"listen tcp: {problem}") from None
    listener = None
    try:
        listener = _bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the signature is the standard library's.
    except OSError as problem:
        if listener is not None:
            listener.close()
        reason = os.strerror(problem.errno or 0).lower()
        raise ListenError(f"listen tcp {address}: bind: {reason}") from None
    return listener


def _bind(address: Address) -> socket.socket:
    both = address.is_wildcard and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both or ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if both:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::" if both else address.host, address.port))
    except BaseException:
        with contextlib.suppress(OSError):
            listener.close()
        raise
    return listener


def name_of(listener: socket.socket) -> str:
    """Return the address it really listens on."""
    host, port = listener.getsockname()[:2]
    return join_host_port(host, port)
