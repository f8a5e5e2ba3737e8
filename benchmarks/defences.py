"""What each defence costs per call when nothing goes wrong, beside the Python libraries that pass the same checks."""

import asyncio
import logging
from functools import partial
from typing import Any

import uvloop

from benchmarks.behaviour import CHECKS, failed_checks
from benchmarks.guards import Guard
from benchmarks.measuring import costs_us
from benchmarks.ours import ours
from benchmarks.peers import PEERS
from rulezero.defences import CATALOGUE

CALLS = 3000
ROUNDS = 15


async def _send(_: str) -> str:
    return "reply"


def measure() -> dict[str, Any]:
    """Return, for each defence, the cost by library, the checks failed, and our cost by the cheapest peer's."""
    return {defence.name: _measured(defence.name) for defence in CATALOGUE}


def _checked(defence: str, guard: Guard) -> list[int]:
    """Return the checks that it fails, without the reports of what it leaves behind then."""
    if defence not in CHECKS:
        return []
    logging.disable(logging.CRITICAL)
    try:
        return asyncio.run(failed_checks(defence, guard))
    finally:
        logging.disable(logging.NOTSET)


def _measured(defence: str) -> dict[str, Any]:
    guards = (ours(defence), *PEERS.get(defence, ()))
    failed = {guard.name: _checked(defence, guard) for guard in guards}
    cost_us = uvloop.run(_costs(defence))
    correct = [name for name, checks in failed.items() if name != "rulezero" and not checks]
    cheapest = min(correct, key=lambda name: cost_us[name], default=None)
    return {
        "cost_us": cost_us,
        "failed": {name: checks for name, checks in failed.items() if checks},
        "cheapest_correct_peer": cheapest,
        "ratio": round(cost_us["rulezero"] / cost_us[cheapest], 2) if cheapest else None,
    }


async def _costs(defence: str) -> dict[str, float]:
    guards = (ours(defence), *PEERS.get(defence, ()))
    calls = {guard.name: guard.quiet_call(_send) for guard in guards}
    return await costs_us(partial(_send, "key"), calls, calls=CALLS, rounds=ROUNDS)
