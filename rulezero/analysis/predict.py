"""Closed forms that measurements are held against. Units: seconds, requests per second, counts."""

import math
from collections.abc import Sequence
from heapq import heapreplace
from operator import mul

from rulezero.analysis.recovery import STEP_S, back_for_good_s


def herd(rate_rps: float, load_s: float) -> float:
    """Return the loads that one expiry causes without a defence: the first miss, and all that come while it loads."""
    return 1 + rate_rps * load_s


def pool_exhaustion_s(slots: int, hanging_rps: float) -> float:
    """Return how long a shared pool lasts when `hanging_rps` of the requests never come back (Little's law)."""
    return slots / hanging_rps


def recovery_s(
    stall_s: float, amplification: float, rate_rps: float, capacity_rps: float, *, patience_s: float = 0.0
) -> float | None:
    """Return how long after a stall its backlog is short enough; None when it never is.

    Each waiting request is worked off although its caller has left, and new ones keep coming. Short enough: the last
    in line is served within `patience_s`; 0 means that the line is gone.
    """
    load_rps = amplification * rate_rps
    if load_rps >= capacity_rps:
        return None
    return max(0.0, stall_s * load_rps - patience_s * capacity_rps) / (capacity_rps - load_rps)


def drained_s(
    arrivals_s: Sequence[float], stall_s: float, capacity_rps: float, *, patience_s: float, hold_s: float
) -> float | None:
    """Return when goodput is back after a stall, by the arrivals as they came and without retries; None: never.

    Near saturation the mean rate is not enough: the line is a random walk, of which the arrivals are given. Each waits
    until those before it are served (Lindley's recursion), and is good if that is soon enough; then the rule is the
    one of what is measured (`recovery`).

    Args:
        arrivals_s: In order, in seconds since the beginning of the stall.
        stall_s: During it nothing is served.
        capacity_rps: What is served from then on, while there is a line.
        patience_s: How long a wait is soon enough.
        hold_s: How long the load goes on after the stall.

    """
    steps: dict[int, tuple[int, int]] = {}
    free_s = stall_s
    for arrived_s in arrivals_s:
        begun_s = max(arrived_s, free_s)
        free_s = begun_s + 1 / capacity_rps
        if arrived_s >= stall_s:
            step = int((arrived_s - stall_s) / STEP_S)
            good, asked = steps.get(step, (0, 0))
            steps[step] = (good + (begun_s - arrived_s <= patience_s), asked + 1)
    return back_for_good_s(steps, hold_s=hold_s)


def layered_attempts(attempts_max: int, layers: int) -> float:
    """Return the attempts that reach the last of `layers` layers which all retry, when nothing succeeds."""
    return float(attempts_max**layers)


def budgeted_attempts(ratio: float, layers: int) -> float:
    """Return the same when each layer may add no more than `ratio` retries to each request it is asked for."""
    return (1 + ratio) ** layers


def early_refreshes(beta: float) -> float:
    """Return the loads per expiry under probabilistic early expiration (XFetch), whatever the rate.

    Between the first refresh and its end, others decide the same; holds for rate x load time x beta >> 1.
    """
    return math.exp(1 / beta)


def hedged_percentile_s(delay_s: float, median_s: float) -> float:
    """Return the percentile at which half of the slow mode lies: the copy's delay and a typical answer.

    With a share p of slow answers, P(T > t) = p x P(fast > t - delay), so at 1 - p/2 that is the fast mode's median.
    """
    return delay_s + median_s


def throttled_rps(rate_rps: float, k: float, capacity_rps: float, *, count_local: bool) -> float:
    """Return what a throttled client still sends to a backend that accepts no more than its capacity.

    Counting the requests refused locally as requests (Google's SRE book) it is K x C; not counting them (Envoy,
    failsafe-go, Finagle) it is sqrt(rate x K x C), because fewer requests then look like fewer refusals.
    """
    if rate_rps <= k * capacity_rps:
        return rate_rps
    return k * capacity_rps if count_local else math.sqrt(rate_rps * k * capacity_rps)


def throttle_recovery_s(
    rate_rps: float, k: float, capacity_rps: float, window_s: float, *, share: float = 0.9
) -> float | None:
    """Return how long after a backend is whole again a client that throttles itself sends `share` of all; None: never.

    Counting local refusals it may send K times what was accepted over the window, so the load grows as
    exp(x t / window) with K (1 - exp(-x)) = x, starting from K x the capacity that there was.
    """
    start_rps = k * capacity_rps
    if start_rps >= share * rate_rps:
        return 0.0
    if k <= 1:
        return None
    growth = 2 * (k - 1)
    for _ in range(200):  # A fixed point that is reached long before.
        growth = k * (1 - math.exp(-growth))
    return window_s * math.log(share * rate_rps / start_rps) / growth


def fresh_share(ttl_s: float, outage_s: float, *, jitter: float = 0.0, read_rps: float = math.inf) -> float:
    """Return the share of reads that entries of all ages still answer while their origin is down.

    An entry looked at at any moment has half its life left; longer lives are met more often, so lives that vary by
    +-`jitter` (evenly) leave 1 + jitter^2 / 3 times that. Between two lives an entry is gone until its next read, one
    of `read_rps`. Holds for outages longer than the longest life.
    """
    alive = ttl_s / (ttl_s + 1 / read_rps)
    return alive * ttl_s / 2 * (1 + jitter**2 / 3) / outage_s


def refill_s(items: int, skew: float, rate_rps: float, capacity_rps: float, share: float) -> float:
    """Return how long after a cold cache began to be refilled at the capacity `share` of the requests are answered.

    Each load is of an item that was missed, so of item i with the probability p_i (1 - q_i) / sum p_j (1 - q_j), where
    p is Zipf's law with exponent `skew` and q_i the chance that it is there already (a mean field, load by load).
    Answered are the hits, and as many of the misses as the capacity allows.
    """
    weights = [rank**-skew for rank in range(1, items + 1)]
    popular = [weight / sum(weights) for weight in weights]
    absent = [1.0] * items
    loads = 0
    while (missed := sum(map(mul, popular, absent))) - capacity_rps / rate_rps > 1 - share:
        absent = [one * (1 - min(1.0, share_of / missed)) for one, share_of in zip(absent, popular, strict=True)]
        loads += 1
    return loads / capacity_rps


def backlog(rate_rps: float, capacity_rps: float, overload_s: float, *, down_s: float = 0.0) -> float:
    """Return the messages that an unbounded queue holds after an overload, in which its consumer was dead for a while.

    The oldest of them is as old as it took so many to come: backlog / rate (Little's law).
    """
    return max(0.0, (rate_rps - capacity_rps) * overload_s + capacity_rps * down_s)


def drain_s(waiting: float, rate_rps: float, capacity_rps: float, *, share: float = 1.0) -> float | None:
    """Return how long it takes to work off this share of a backlog while messages keep coming; None: for ever."""
    return share * waiting / (capacity_rps - rate_rps) if capacity_rps > rate_rps else None


def refused_share(rate_rps: float, capacity_rps: float) -> float:
    """Return the share that a bounded queue refuses once it is full."""
    return max(0.0, 1 - capacity_rps / rate_rps)


def stalled_percentile_s(share: float, stall_s: float, length_s: float) -> float:
    """Return the percentile `share` of the latencies that an open loop sees when nothing is answered for a while.

    Who comes t into the stall waits the rest of it, so a share of (stall - x) / length waits longer than x. A user who
    waits for the answer comes once in that time, and has it as one slow answer among all (coordinated omission).
    """
    return max(0.0, stall_s - (1 - share) * length_s)


def shards_share(shards: int, *, dead: int = 1) -> float:
    """Return the share of the calls that is answered when `dead` of the shards, asked in turn, are not there."""
    return 1 - dead / shards


def tripped_share(
    shards: int, rate_rps: float, *, failure_rate: float, window_s: float, open_s: float, probes: int, fault_s: float
) -> float:
    """Return the share of the calls answered in a fault by a dead shard when one breaker stands for all shards.

    It trips when the failures, 1 / shards of what comes, are `failure_rate` of a window that was full of successes:
    after failure rate x shards x window, and never when 1 / shards is less than the failure rate. From then on, per
    `open_s` that it is open, `probes` calls pass, and the same share of them fails: if that trips it, for ever again.
    """
    answered = shards_share(shards)
    if 1 / shards < failure_rate:
        return answered
    trips_s = min(failure_rate * shards * window_s, fault_s)
    passing = probes / (rate_rps * open_s + probes)
    return answered * (trips_s + (fault_s - trips_s) * passing) / fault_s


def erlang_c_wait_s(slots: int, rate_rps: float, service_s: float) -> float:
    """Return the mean wait for one of `slots`, with Poisson arrivals and exponential service (M/M/c).

    Erlang (1917): P(wait) x service / (slots - load), where P(wait) comes from Erlang's loss formula. Infinite at the
    capacity or above it.
    """
    load = rate_rps * service_s
    if load >= slots:
        return math.inf
    lost = 1.0
    for taken in range(1, slots + 1):
        lost = load * lost / (taken + load * lost)
    waits = lost / (1 - load / slots * (1 - lost))
    return waits * service_s / (slots - load)


def fixed_service_wait_s(slots: int, rate_rps: float, service_s: float) -> float:
    """Return the same with a service time that is always the same (M/D/c), to about 1 %.

    Half of Erlang's wait, times what several servers add to that (Cosmetatos, "Some approximate equilibrium results
    for the multi-server queue (M/G/r)", 1976); with one server it is exact.
    """
    usage = rate_rps * service_s / slots
    if usage >= 1:
        return math.inf
    if not usage:
        return 0.0
    more = (1 - usage) * (slots - 1) * (math.sqrt(4 + 5 * slots) - 2) / (16 * usage * slots)
    return (1 + more) / 2 * erlang_c_wait_s(slots, rate_rps, service_s)


def waits_s(arrivals_s: Sequence[float], services_s: Sequence[float], slots: int) -> list[float]:
    """Return how long each arrival waits for a slot, first come, first served, by arrivals and services as they were.

    Each takes the slot that is free first (Kiefer and Wolfowitz 1955). With one service for each arrival, in order.
    """
    free_s = [-math.inf] * slots
    waits: list[float] = []
    for arrived_s, service_s in zip(arrivals_s, services_s, strict=True):
        begun_s = max(arrived_s, free_s[0])
        heapreplace(free_s, begun_s + service_s)
        waits.append(begun_s - arrived_s)
    return waits


def rounds_attempts(writers: int) -> float:
    """Return the attempts of each of so many writers who all come back together, when one of them wins each time."""
    return (writers + 1) / 2


def rounds_s(writers: int, attempt_s: float, delays_s: Sequence[float]) -> float:
    """Return how long that takes: an attempt, and the delay before the next; the last delay given is kept to."""
    pauses_s = (delays_s[min(number, len(delays_s) - 1)] for number in range(writers - 1))
    return writers * attempt_s + sum(pauses_s)
