"""Closed forms that measurements are held against. Units: seconds, requests per second, counts."""


def herd(rate_rps: float, load_s: float) -> float:
    """Return the loads that one expiry causes without a defence: the first miss, and all that come while it loads."""
    return 1 + rate_rps * load_s


def pool_exhaustion_s(slots: int, hanging_rps: float) -> float:
    """Return how long a shared pool lasts when `hanging_rps` of the requests never come back (Little's law)."""
    return slots / hanging_rps


def breaker_opens_s(timeout_s: float, failure_rate: float, volume: int, rate_rps: float) -> float:
    """Return when a breaker opens after its dependency hangs: the first timeout, then enough failures."""
    return timeout_s + failure_rate * volume / rate_rps


def layered_attempts(attempts_max: int, layers: int) -> float:
    """Return the attempts that reach the last of `layers` layers which all retry, when nothing succeeds."""
    return float(attempts_max**layers)
