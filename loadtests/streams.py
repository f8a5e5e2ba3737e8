"""A stream of the plan as the arrivals it stands for."""

import math
from collections.abc import Callable, Iterator, Mapping

from loadtests.traffic import Arrival, Request
from rulezero.experiment import Stream
from rulezero.load.schedule import arrivals, keys, operation_ids, sampled

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
