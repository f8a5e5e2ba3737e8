"""What the theory says of early expiration, against the defence itself on virtual time."""

import asyncio
import math
from random import Random

import pytest
from msgspec.structs import replace

from rulezero.calls import Entry, Operation
from rulezero.defences.early_expiration import EarlyExpiration, EarlyExpirationConfig
from tests.defences.fakes import context, found, now_s, operation

DELTA_S = 0.3
CYCLES = 300
SEED = 17
EULER = 0.5772


class Key:
    """One key that is read at random instants; a load takes `DELTA_S`."""

    def __init__(self, beta: float, rate: float) -> None:
        self.loads = self.renewed = self.misses = 0
        self.leads_s: list[float] = []
        scale_s = beta * DELTA_S
        # Long enough for the first renewal; what came before it would only take time.
        self._ttl_s = scale_s * (math.log(max(rate * scale_s, 2)) + 5)
        self._rate = rate
        self._random = Random(SEED)
        self._version = 0
        self._led = ""  # The version whose first renewal has been seen.
        self._end_s = 0.0
        self._layer = EarlyExpiration(EarlyExpirationConfig(beta=beta, advance_max=1.0), context(seed=SEED))

    async def live(self, cycles: int) -> "Key":
        """Let readers come until the entry has been renewed so many times; the first load is nobody's."""
        missed = set[asyncio.Task[None]]()
        while self.renewed < cycles:
            entry = self._look_up()
            asked = operation(key="hot", entry=entry, ttl_s=self._ttl_s)
            if entry is None:
                self.misses += 1
                missed.add(asyncio.create_task(self._load(None)))
            else:
                await self._layer(asked, self._serve)
            await asyncio.sleep(self._random.expovariate(self._rate))
        await asyncio.sleep(2 * DELTA_S)
        return self

    def _look_up(self) -> Entry | None:
        left_s = self._end_s - now_s()
        return replace(found(fresh_s=left_s, load_s=DELTA_S), version=str(self._version)) if left_s > 0 else None

    async def _serve(self, asked: Operation) -> None:
        if asked.entry is not None and not asked.entry.fresh:
            await self._load(asked.entry.version)

    async def _load(self, version: str | None) -> None:
        self.loads += 1
        if version == str(self._version) != self._led:
            self._led = version
            self.leads_s.append(self._end_s - now_s())
        await asyncio.sleep(DELTA_S)
        if version == str(self._version) or now_s() >= self._end_s:
            self.renewed += 1
            self._version += 1
        self._end_s = now_s() + self._ttl_s


@pytest.mark.parametrize(("beta", "rate"), [(0.5, 200.0), (1.0, 100.0), (1.0, 400.0), (1.5, 200.0), (2.0, 100.0)])
async def test_renewals_per_cycle_and_the_lead_of_the_first_are_those_of_the_theory(beta: float, rate: float) -> None:
    """e^(1/beta) at any rate, the first beta * delta * (ln(lambda * beta * delta) + 0.577) before the end."""
    key = await Key(beta, rate).live(CYCLES)
    lead_s = sum(key.leads_s) / len(key.leads_s)
    print(f"seed {SEED}: beta {beta}, rate {rate}: {key.loads / key.renewed:.2f}, {lead_s:.3f} s, {key.misses}")  # noqa: T201 - figures of a run, shown when it fails.
    assert key.loads / key.renewed == pytest.approx(math.exp(1 / beta), rel=0.15)
    expected_s = beta * DELTA_S * (math.log(rate * beta * DELTA_S) + EULER)
    assert lead_s == pytest.approx(expected_s, rel=0.1)


@pytest.mark.parametrize(("rate", "missed"), [(100.0, False), (1.0, True)])
async def test_only_keys_that_few_read_are_missed(rate: float, *, missed: bool) -> None:
    """Pitfall: cold keys, lambda * delta < 10. At 0.3 most lives end before anyone renews, at 30 hardly any."""
    key = await Key(1.0, rate).live(200)
    print(f"seed {SEED}: {key.misses} readers missed in {key.renewed} lives")  # noqa: T201 - figures of a run, shown when it fails.
    cold_start = 2 * rate * DELTA_S  # Those who come before the first load has ended.
    assert (key.misses > 0.5 * key.renewed) if missed else (key.misses <= cold_start + 0.05 * key.renewed)
