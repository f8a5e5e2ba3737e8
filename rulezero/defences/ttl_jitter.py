"""TTL jitter: entries written together do not expire together.

What: the time to live of what is loaded is drawn evenly from `ttl_s` +- `jitter`. Why: M keys filled at one moment
(a start, a flush) with one TTL come to their end at one moment, and their M loads reach the origin at once; spread out
they come as M / (2 jitter ttl_s) loads a second.
Source: common practice; the rate follows from the width of the even distribution.

It does nothing for the readers of one key, and an entry may live `jitter` longer than was asked for.
"""

from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from rulezero.calls import Operation, Proceed
from rulezero.defences.context import Context, Family


@dataclass(frozen=True, kw_only=True, slots=True)
class TtlJitterConfig:
    """`jitter` is the largest change, as a share of the time to live."""

    jitter: Annotated[float, Meta(gt=0, lt=1)] = 0.1


def jittered_s(ttl_s: float, jitter: float, random: Random) -> float:
    """Return a time to live, even over ttl_s * (1 +- jitter)."""
    return ttl_s * random.uniform(1 - jitter, 1 + jitter)


class TtlJitter:
    """Outermost of the cache defences: those inside see the time to live that will be set."""

    name: ClassVar[str] = "ttl_jitter"
    family: ClassVar[Family] = "cache"
    config_type: ClassVar[type[TtlJitterConfig]] = TtlJitterConfig
    idle_decisions: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: TtlJitterConfig, context: Context) -> None:
        self._config = config
        self._context = context

    async def __call__(self, operation: Operation, proceed: Proceed) -> Any:
        """Return the reply. Reads that find a fresh entry count no decision: hardly any of them loads."""
        ttl_s = jittered_s(operation.ttl_s, self._config.jitter, self._context.random)
        if not operation.fresh:
            self._context.teller.decided("jittered", ttl_s=ttl_s)
        return await proceed(replace(operation, ttl_s=ttl_s))
