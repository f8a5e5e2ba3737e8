"""How long a request is worked on: random with a given mean and a given spread.

The spread decides how long the line is at the same load: by Kingman's approximation the wait grows with
(1 + cv^2) / 2. Source of the draw: a gamma distribution with shape 1 / cv^2, of which the exponential (cv = 1) is one.
"""

from random import Random

_CV_LEAST = 0.001  # Below it nobody could tell the gamma distribution from the fixed time.


def service_time_s(mean_s: float, cv: float, random: Random) -> float:
    """Return one service time; `cv` is the coefficient of variation: 0 fixed, 1 exponential, in between less spread."""
    if cv == 1:
        return random.expovariate(1 / mean_s)
    if cv < _CV_LEAST:
        return mean_s
    return random.gammavariate(1 / cv**2, mean_s * cv**2)
