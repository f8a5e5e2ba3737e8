"""What a generator exports, asked as Prometheus asks."""

import asyncio
from dataclasses import dataclass

import aiohttp

from rulezero.lab.ports import Ports
from tests.openmetrics import families

Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape by name and labels, and the traces that stand for a bucket."""

    samples: dict[tuple[str, Labels], float]
    traces: frozenset[str]

    def sum(self, metric: str, /, **labels: str) -> float:
        """Return the sum over the series with these labels."""
        wanted = set(labels.items())
        return sum(value for (found, has), value in self.samples.items() if found == metric and wanted <= has)

    def values(self, name: str, label: str) -> set[str]:
        """Return the values that a label has in the series of a metric."""
        return {dict(has)[label] for found, has in self.samples if found == name}


async def scrape(port: int) -> Scrape:
    """Return what is exported now."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "application/openmetrics-text"
        text = await response.text()

    samples = [sample for family in families(text) for sample in family.samples]
    return Scrape(
        samples={(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples},
        traces=frozenset(sample.exemplar.labels["trace_id"] for sample in samples if sample.exemplar),
    )


async def scrape_soon(port: int, timeout_s: float = 20.0) -> Scrape:
    """Return what is exported as soon as somebody listens."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                return await scrape(port)
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    ports = Ports()
    try:
        return ports.reserve()
    finally:
        ports.close()
