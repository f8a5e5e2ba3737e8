"""Half-open, a breaker never has more than its probes out, whoever answers, fails, leaves or hangs."""

import asyncio
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rulezero.calls import Operation
from rulezero.defences.circuit_breaker import CircuitBreaker, CircuitBreakerConfig, State
from tests.composition.crowd import LAW, STEPS, Crowd, Inside, Step
from tests.defences.fakes import OPERATION, Dependency, RecordingTeller, context, failed, others, outcomes
from tests.virtual_time import run_virtual


@LAW
@given(probes=st.integers(1, 3), probe_timeout_s=st.sampled_from([0.3, 100.0]), steps=STEPS)
def test_no_more_than_k_probes_are_out_at_once(probes: int, probe_timeout_s: float, steps: list[Step]) -> None:
    """In each spell of being half-open, hanging ones included; and once all is well it closes."""

    async def scenario() -> None:
        config = CircuitBreakerConfig(
            volume_min=1, open_s=0.1, open_max_s=0.4, probes=probes, probe_timeout_s=probe_timeout_s
        )
        teller = RecordingTeller()
        breaker: Any = CircuitBreaker(config, context(teller))
        machine = breaker._machine
        probing, most = Counter[int](), Counter[int]()

        async def through(_: int, inside: Inside) -> Any:
            async def watched(asked: Operation) -> Any:
                # Nothing has run since the breaker let it through, so the spell is the one that it was let through in.
                spell, is_probe = machine._generation, machine.state is State.HALF_OPEN
                probing[spell] += is_probe
                most[spell] = max(most[spell], probing[spell])
                try:
                    return await inside(asked)
                finally:
                    probing[spell] -= is_probe

            return await breaker(OPERATION, watched)

        await outcomes([breaker(OPERATION, Dependency(failed()))])
        crowd = Crowd(through)
        await crowd.follow([Step("wait", seconds=0.2), *steps], lambda: None)
        assert max(most.values(), default=0) <= probes
        assert (machine._probes_out, others()) == ({}, set())
        await closes(breaker, teller, probes)

    run_virtual(scenario())


async def closes(breaker: CircuitBreaker, teller: RecordingTeller, probes: int) -> None:
    """Nobody's leaving has used up a probe for good."""
    for _ in range(2):
        await asyncio.sleep(0.5)
        await outcomes(breaker(OPERATION, Dependency(latency_s=0.2)) for _ in range(probes))
    assert teller.states[-1] == State.CLOSED
