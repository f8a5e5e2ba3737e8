"""Requests, and streams and bursts as the arrivals they stand for."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic

from rulezero.experiment import Burst, ClosedUser, Stream
from rulezero.load.rows import Kind
from rulezero.load.schedule import arrivals, keys, operation_ids, sampled


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a route asks of the server."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One request and the instant (monotonic clock, seconds) at which it is due."""

    due_s: float
    route: str
    key: int
    request: Request
    deadline_s: float
    operation_id: str
    sampled: bool
    kind: Kind


Routes = Mapping[str, Callable[[int, str], Request]]
"""From a route's name to the function that makes its request from key and operation id."""


def stream_arrivals(
    stream: Stream,
    routes: Routes,
    *,
    seed: int,
    run_id: str,
    origin_s: float,
    name: str | None = None,
    sample_rate: float = 0.0,
    duration_s: float = math.inf,
) -> Iterator[Arrival]:
    """Yield the stream's arrivals in order; `name` (default: the route) tells streams of one route apart."""
    name = name or stream.route
    make = routes[stream.route]
    for due_s, key, operation_id, is_sampled in zip(
        arrivals(seed, stream.rate_rps, name, duration_s),
        keys(seed, name, stream.keys),
        operation_ids(run_id, name),
        sampled(seed, name, sample_rate),
        strict=False,  # Only the arrivals end.
    ):
        yield Arrival(
            due_s=origin_s + due_s,
            route=stream.route,
            key=key,
            request=make(key, operation_id),
            deadline_s=stream.deadline_s,
            operation_id=operation_id,
            sampled=is_sampled,
            kind="stream",
        )


def burst_arrivals(
    burst: Burst, routes: Routes, *, seed: int, run_id: str, due_s: float, name: str, sample_rate: float = 0.0
) -> list[Arrival]:
    """Return the burst's arrivals, all due at one instant; `name` tells bursts of one route apart."""
    operations, traced = operation_ids(run_id, name), sampled(seed, name, sample_rate)
    return [
        Arrival(
            due_s=due_s,
            route=burst.route,
            key=burst.key,
            request=routes[burst.route](burst.key, operation_id),
            deadline_s=burst.deadline_s,
            operation_id=operation_id,
            sampled=is_sampled,
            kind="burst",
        )
        for _, operation_id, is_sampled in zip(range(burst.count), operations, traced, strict=False)
    ]


def closed_arrivals(user: ClosedUser, routes: Routes, *, seed: int, run_id: str, name: str) -> Iterator[Arrival]:
    """Yield what a user who waits asks for, for ever, each due when it is taken; `name` tells such users apart."""
    for key, operation_id in zip(keys(seed, name, user.keys), operation_ids(run_id, name), strict=False):
        yield Arrival(
            due_s=monotonic(),
            route=user.route,
            key=key,
            request=routes[user.route](key, operation_id),
            deadline_s=user.deadline_s,
            operation_id=operation_id,
            sampled=False,
            kind="closed",
        )
