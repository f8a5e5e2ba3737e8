"""The suite's own defences, as the services use them: decisions are counted, and told to a span when there is one."""

import asyncio
from functools import partial
from random import Random
from typing import Any

from msgspec.structs import replace

from benchmarks.guards import (
    ATTEMPTS,
    BASE_S,
    CAP_S,
    FAILURES,
    HEDGE_AFTER_S,
    OPEN_S,
    PERMITS,
    PROBES,
    TIMEOUT_S,
    Call,
    Guard,
    Send,
)
from rulezero.calls import Entry, Layer, Operation
from rulezero.defences import CATALOGUE
from rulezero.defences.context import Context
from rulezero.telemetry.decisions import Decisions

_FRESH = Entry(value=b"value", fresh_s=60.0, load_s=0.01, version="1")
# What differs from a defence's own numbers; the same as for the other libraries.
_NUMBERS: dict[str, dict[str, Any]] = {
    "circuit_breaker": {"volume_min": FAILURES, "open_s": OPEN_S, "probes": PROBES},
    "retry": {"attempts_max": ATTEMPTS, "base_s": BASE_S, "cap_s": CAP_S},
    "bulkhead": {"permits": PERMITS},
    "timeout": {"timeout_s": TIMEOUT_S},
    "hedging": {"delay_s": HEDGE_AFTER_S},
}
# In these there is nothing to do with an entry that is fresh; what costs is a load.
_LOADING = ("coalescing",)


def ours(defence: str) -> Guard:
    """Return a defence of the catalogue."""
    return Guard(name="rulezero", around=partial(_around, defence), quiet=partial(_quiet, defence))


def _layer(defence: str) -> Layer:
    made: Any = next(one for one in CATALOGUE if one.name == defence)
    teller = Decisions(family=made.family, defence=defence, dependency="bench")
    context = Context(dependency="bench", caller="edge", teller=teller, random=Random(1))
    layer: Layer = made(made.config_type(**_NUMBERS.get(defence, {})), context)
    return layer


def _operation(defence: str, *, time_s: float) -> Operation:
    """Return what a service asks for: with a deadline, and an entry found in the cache where that matters."""
    entry = None if defence in _LOADING else _FRESH
    # A shared load outlives its callers' deadlines, and the peers know none.
    deadline_s = None if defence in _LOADING else asyncio.get_running_loop().time() + time_s
    return Operation(name="read", dependency="bench", key="key", entry=entry, ttl_s=60.0, deadline_s=deadline_s)


def _quiet(defence: str, send: Send) -> Call:
    async def proceed(_: Operation) -> Any:
        return await send("key")

    return partial(_layer(defence), _operation(defence, time_s=3600.0), proceed)


def _around(defence: str, send: Send) -> Send:
    layer = _layer(defence)
    # Only the deadline's own checks are about the caller's time.
    operation = _operation(defence, time_s=TIMEOUT_S if defence == "deadline" else 3600.0)

    async def proceed(asked: Operation) -> Any:
        return await send(asked.key)

    async def guarded(key: str) -> Any:
        return await layer(replace(operation, key=key), proceed)

    return guarded
