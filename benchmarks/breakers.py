"""The circuit breakers of other Python libraries, each used as its own documentation says."""

from datetime import timedelta
from typing import Any

import aiobreaker
import aioresilience
import circuitbreaker
import hyx.circuitbreaker
import nopanic
import purgatory
import pybreaker

from benchmarks.guards import FAILURES, OPEN_S, PROBES, Guard, Send


def _nopanic(send: Send) -> Send:
    guarded: Send = nopanic.circuit_breaker(
        min_calls=FAILURES, window=2.0, reset_timeout=OPEN_S, half_open_max_calls=PROBES
    )(send)
    return guarded


def _circuitbreaker(send: Send) -> Send:
    guarded: Send = circuitbreaker.CircuitBreaker(failure_threshold=FAILURES, recovery_timeout=OPEN_S)(send)
    return guarded


def _hyx(send: Send) -> Send:
    guarded: Send = hyx.circuitbreaker.consecutive_breaker(
        failure_threshold=FAILURES, recovery_time_secs=OPEN_S, recovery_threshold=PROBES
    )(send)
    return guarded


def _purgatory(send: Send) -> Send:
    guarded: Send = purgatory.AsyncCircuitBreakerFactory()("dependency", threshold=FAILURES, ttl=OPEN_S)(send)
    return guarded


def _pybreaker(send: Send) -> Send:
    breaker = pybreaker.CircuitBreaker(fail_max=FAILURES, reset_timeout=OPEN_S, success_threshold=PROBES)
    guarded: Send = breaker(send)
    return guarded


def _aiobreaker(send: Send) -> Send:
    breaker = aiobreaker.CircuitBreaker(fail_max=FAILURES, timeout_duration=timedelta(seconds=OPEN_S))

    async def guarded(key: str) -> Any:
        return await breaker.call_async(send, key)

    return guarded


def _aioresilience(send: Send) -> Send:
    config = aioresilience.CircuitConfig(
        failure_threshold=FAILURES, recovery_timeout=OPEN_S, success_threshold=PROBES, half_open_max_calls=PROBES
    )
    breaker = aioresilience.CircuitBreaker("dependency", config)

    async def guarded(key: str) -> Any:
        return await breaker.call(send, key)

    return guarded


BREAKERS = (
    Guard(name="nopanic", around=_nopanic),
    Guard(name="circuitbreaker", around=_circuitbreaker),
    Guard(name="pybreaker", around=_pybreaker),
    Guard(name="purgatory", around=_purgatory),
    Guard(name="hyx", around=_hyx),
    Guard(name="aiobreaker", around=_aiobreaker),
    Guard(name="aioresilience", around=_aioresilience),
)
