"""Contention, played out: against what one can do in one's head, and against the numbers of the AWS simulation."""

import pytest

from rulezero.analysis.contention import contended
from rulezero.analysis.predict import rounds_attempts, rounds_s
from rulezero.defences.retry import RetryConfig

# As in "Exponential Backoff and Jitter": 5 ms to begin with, 2 s at most, about 10 ms to the database and back.
AWS_BASE_S, AWS_CAP_S, AWS_WAY_S, AWS_WRITERS = 0.005, 2.0, 0.01, 100


def test_nobody_to_contend_with() -> None:
    """One writer needs one attempt, as long as it takes."""
    found = contended(1, RetryConfig(), work_s=0.2)
    assert found.attempts == 1.0
    assert found.last_s == pytest.approx(0.2)


@pytest.mark.parametrize(("multiplier", "delays_s"), [(1.0, (0.1,)), (2.0, (0.1, 0.2, 0.4, 0.8, 1.0))])
def test_in_step_one_wins_each_time(multiplier: float, delays_s: tuple[float, ...]) -> None:
    """The closed form of it, however long they wait for each other in between."""
    config = RetryConfig(base_s=0.1, cap_s=1.0, multiplier=multiplier, jitter="none")
    found = contended(20, config, work_s=0.2, rounds=2)
    assert found.attempts == rounds_attempts(20)
    assert found.last_s == pytest.approx(rounds_s(20, 0.2, delays_s))


def test_a_hundred_writers_with_full_jitter() -> None:
    """The published result: about 780 calls. Without jitter it is at least twice that, and ten times as long."""

    def aws(config: RetryConfig) -> tuple[float, float]:
        found = contended(AWS_WRITERS, config, work_s=AWS_WAY_S, way_s=AWS_WAY_S, rounds=5)
        return found.attempts * AWS_WRITERS, found.last_s

    alone, alone_s = aws(RetryConfig(base_s=AWS_BASE_S, cap_s=AWS_CAP_S, jitter="none"))
    full, full_s = aws(RetryConfig(base_s=AWS_BASE_S, cap_s=AWS_CAP_S))
    assert full == pytest.approx(780, rel=0.1)
    assert alone > 2 * full
    assert alone_s > 8 * full_s


def test_the_same_seed_is_the_same_play() -> None:
    """And another one is another."""
    config = RetryConfig(base_s=0.1, cap_s=1.0)
    assert contended(9, config, work_s=0.1, rounds=3, seed=5) == contended(9, config, work_s=0.1, rounds=3, seed=5)
    assert contended(9, config, work_s=0.1, rounds=3, seed=5) != contended(9, config, work_s=0.1, rounds=3, seed=6)
