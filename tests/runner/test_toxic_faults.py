"""Toxics: put there as they are written; refusals are told in one line."""

import asyncio
from pathlib import Path

import pytest
from toxiproxy.api import APIConsumer

from rulezero.errors import Problem
from rulezero.faults import Toxic
from rulezero.lab.proxies import reach_loopback_directly
from tests.runner.fakes import FAULT_END_S, FAULT_START_S, HANGS, PROOF, FakeToxiproxy, injector, samples, serving

pytestmark = pytest.mark.wall_clock


async def test_a_toxic_is_sent_as_it_is_written(tmp_path: Path) -> None:
    """Type, stream, toxicity and attributes in Toxiproxy's own words, at its own time within the phase."""
    latency = Toxic(
        link="checkout-payment", type="latency", stream="upstream", attributes={"latency": 5, "jitter": 2},
        toxicity=0.5, at_s=0.1, for_s=0.15, signature=PROOF,
    )  # fmt: skip
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, latency)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(FAULT_START_S + 0.1 + 0.1)
        (active,) = fake.toxics.values()
        await running
    samples(one)
    assert active == {
        "name": "rulezero_1_latency_upstream", "type": "latency", "stream": "upstream", "toxicity": 0.5,
        "attributes": {"latency": 5, "jitter": 2},
    }  # fmt: skip
    assert one.injected[0]["end_s"] - one.injected[0]["start_s"] < FAULT_END_S - FAULT_START_S
    assert fake.toxics == {}


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("status", [400, 404, 409])
async def test_a_refusal_is_told(tmp_path: Path, method: str, status: int) -> None:
    """One line with the fault and the server; a fault that could not be taken away is as bad as one not put there."""
    async with serving(FakeToxiproxy(refuse={method: status})) as fake:
        one = injector(fake, tmp_path, HANGS)
        with pytest.raises(Problem, match=r"timeout on checkout-payment .*: Toxiproxy at 127\..* refused: .*not today"):
            await one.run()
    samples(one)


@pytest.mark.parametrize("status", [500, 503])
async def test_a_toxic_that_is_not_there_is_told(tmp_path: Path, status: int) -> None:
    """The client takes such an answer for a success; a run without its fault would prove nothing."""
    async with serving(FakeToxiproxy(refuse={"POST": status})) as fake:
        one = injector(fake, tmp_path, HANGS)
        with pytest.raises(Problem, match=r"timeout on checkout-payment .*: Toxiproxy at 127\..* did not take it"):
            await one.run()
        assert fake.toxics == {}
    samples(one)


@pytest.mark.parametrize("status", [500, 503])
async def test_a_toxic_that_stays_is_told(tmp_path: Path, status: int) -> None:
    """The client takes such an answer for a success; the toxic that is still there says otherwise."""
    async with serving(FakeToxiproxy(refuse={"DELETE": status})) as fake:
        one = injector(fake, tmp_path, HANGS)
        with pytest.raises(Problem, match=r"timeout on checkout-payment .*: Toxiproxy at 127\..* did not remove it"):
            await one.run()
        assert list(fake.toxics) == ["rulezero_1_timeout_downstream"]
    samples(one)


async def test_a_link_that_is_not_there_is_told(tmp_path: Path) -> None:
    """And one fault that fails takes the others with it."""
    elsewhere = Toxic(link="nowhere", type="timeout", at_s=0.1, signature=PROOF)
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, HANGS, elsewhere)
        with pytest.raises(Problem, match="Toxiproxy has no proxy nowhere; check the links file"):
            await one.run()
        assert fake.toxics == {}
    samples(one)


async def test_a_server_that_is_gone_is_told(tmp_path: Path) -> None:
    """Connection refused."""
    async with serving(FakeToxiproxy()) as fake:
        pass
    reach_loopback_directly()
    one = injector(fake, tmp_path, HANGS)
    before = APIConsumer.host, APIConsumer.port
    with pytest.raises(Problem, match="refused"):
        await one.run()
    APIConsumer.host, APIConsumer.port = before
    samples(one)
