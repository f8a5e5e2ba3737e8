import socket
from contextlib import closing

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.kernel import LINUX
from rulezero.lab.ports import LOOPBACK, Ports, is_free, listen


@pytest.mark.skipif(not LINUX, reason="elsewhere a port is only free at the time of asking")
def test_a_reserved_port_is_given_to_nobody_else_but_a_server_may_listen_there() -> None:
    """No other socket that asks for any port gets it, as server or as client."""
    with closing(Ports()) as ports:
        reserved = {ports.reserve() for _ in range(50)}
        others = [socket.create_server((LOOPBACK, 0)) for _ in range(500)]
        assert not reserved & {other.getsockname()[1] for other in others}
        for other in others:
            other.close()
        port = reserved.pop()
        with listen(port), socket.create_connection((LOOPBACK, port)):
            pass


@pytest.mark.skipif(not LINUX, reason="elsewhere nothing holds the port")
def test_nobody_listening_on_a_reserved_port_is_a_refusal() -> None:
    """A dead service must look dead, not slow."""
    with closing(Ports()) as ports, pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, ports.reserve()))


def test_a_busy_port_is_named() -> None:
    """One line with the port and the remedy."""
    with socket.create_server((LOOPBACK, 0)) as other, closing(Ports()) as ports:
        port = other.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(UsageProblem, match=f"port {port} cannot be used .Address already in use.; choose another"):
            ports.reserve(port)
    assert is_free(port)


def test_a_wanted_port_is_reserved_until_the_end() -> None:
    """The port asked for is the port given, and it is free again after the lab."""
    with closing(Ports()) as probe:
        wanted = probe.reserve()
    with closing(Ports()) as ports:
        assert ports.reserve(wanted) == wanted
    assert is_free(wanted)
