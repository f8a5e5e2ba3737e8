"""The runner's exporter: there for the time of a run, and nothing of it after that."""

import socket
import urllib.request

import pytest

from rulezero.collect.exporter import exporting
from rulezero.errors import UsageProblem
from rulezero.lab.ports import LOOPBACK, Ports
from rulezero.telemetry.faults import FaultSeries

SERIES = FaultSeries("edge-catalog-1", "rulezero_1_latency_downstream", "latency", "downstream")


def fetch(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}/metrics", timeout=5) as response:
        text: str = response.read().decode()
    return text


@pytest.mark.wall_clock
def test_faults_are_told_while_it_lasts() -> None:
    """On a port that the lab keeps for it, which is free again afterwards; the next run begins without old series."""
    ports = Ports()
    address = f"{LOOPBACK}:{ports.reserve()}"
    with exporting(address):
        SERIES.show(1)
        assert 'toxic="rulezero_1_latency_downstream"' in fetch(address)
        assert fetch(address).rstrip().endswith(" 1.0")
    with pytest.raises(OSError, match="refused"):
        fetch(address)
    with exporting(address):
        assert "rulezero_1" not in fetch(address)
    ports.close()


def test_an_empty_address_serves_nothing() -> None:
    """As in a run that nobody asked to observe."""
    with exporting(""):
        pass


@pytest.mark.wall_clock
def test_a_taken_port_is_told_in_one_line() -> None:
    """Two runs cannot tell one Prometheus their faults."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        with pytest.raises(UsageProblem, match=f"^{address}: Address already in use; end the other run first$"):
            exporting(address).__enter__()
