"""Closed forms that measurements are held against. Units: seconds, requests per second, counts."""


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


def layered_attempts(attempts_max: int, layers: int) -> float:
    """Return the attempts that reach the last of `layers` layers which all retry, when nothing succeeds."""
    return float(attempts_max**layers)
