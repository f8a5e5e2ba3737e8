from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.circuit_breaker import OPEN_JITTER, CircuitBreakerConfig, Machine, Permit, State
from rulezero.outcome import Outcome

OPEN_MAX_S = 10 * (1 + OPEN_JITTER)
SAYS_NOTHING = (Outcome.CANCELLED, Outcome.NOT_SENT, Outcome.REJECTED)


def machine(*, seed: int = 0, **numbers: Any) -> Machine:
    return Machine(CircuitBreakerConfig(**numbers), Random(seed))


def state_of(core: Machine) -> State:
    """Read the state anew, which a type checker does not expect a method to change."""
    return core.state


def admit(core: Machine, at_s: float) -> Permit:
    permit = core.admit(at_s)
    assert permit is not None
    return permit


def run(core: Machine, outcome: Outcome, at_s: float, *, times: int = 1, took_s: float = 0.0) -> None:
    for _ in range(times):
        core.settle(admit(core, at_s), outcome, at_s + took_s)


def opened(at_s: float = 0.0, **numbers: Any) -> Machine:
    core = machine(**numbers)
    run(core, Outcome.ERROR, at_s, times=core._config.volume_min)
    assert state_of(core) is State.OPEN
    return core


def test_it_opens_at_the_failure_rate_and_not_below() -> None:
    """Half of twenty open it, nine of twenty do not."""
    for failures, state in ((9, State.CLOSED), (10, State.OPEN)):
        core = machine()
        run(core, Outcome.ERROR, 1.0, times=failures)
        run(core, Outcome.OK, 1.0, times=20 - failures)
        assert state_of(core) is state, failures


def test_failures_in_turn_with_successes_open_it() -> None:
    """Pitfall: consecutive-failure counting never trips at 50 %."""
    core = machine()
    for _ in range(10):
        run(core, Outcome.OK, 1.0)
        assert state_of(core) is State.CLOSED
        run(core, Outcome.ERROR, 1.0)
    assert state_of(core) is State.OPEN


def test_few_calls_open_nothing() -> None:
    """Pitfall: no minimum volume. Nineteen failures of nineteen are no evidence yet, the twentieth is."""
    core = machine()
    run(core, Outcome.ERROR, 1.0, times=19)
    assert state_of(core) is State.CLOSED
    run(core, Outcome.ERROR, 1.0)
    assert state_of(core) is State.OPEN


def test_old_failures_are_forgotten() -> None:
    """Nineteen failures that left the window do not count towards the twentieth."""
    core = machine(window_s=2.0)
    run(core, Outcome.ERROR, 1.0, times=19)
    run(core, Outcome.ERROR, 3.5, times=19)
    assert state_of(core) is State.CLOSED


def test_timeouts_are_failures() -> None:
    """No answer is as bad as a bad one."""
    core = machine()
    run(core, Outcome.TIMEOUT, 1.0, times=20)
    assert state_of(core) is State.OPEN


@pytest.mark.parametrize("outcome", SAYS_NOTHING)
def test_what_says_nothing_about_the_callee_counts_nothing(outcome: Outcome) -> None:
    """Cancelled (pitfall: counted as failure), refused on this side, overloaded: neither failure nor success."""
    core = machine()
    run(core, outcome, 1.0, times=1000)
    run(core, Outcome.ERROR, 1.0, times=19)
    assert state_of(core) is State.CLOSED
    run(core, Outcome.ERROR, 1.0)
    assert state_of(core) is State.OPEN


def test_slow_calls_open_it_when_asked_to() -> None:
    """At `slow_call_s` or longer, by their own rate; without the setting duration does not matter."""
    for slow_call_s, took_s, state in ((1.0, 1.0, State.OPEN), (1.0, 0.99, State.CLOSED), (None, 99.0, State.CLOSED)):
        core = machine(slow_call_s=slow_call_s, slow_rate=0.5)
        run(core, Outcome.OK, 5.0, times=10)
        run(core, Outcome.OK, 5.0, times=10, took_s=took_s)
        assert state_of(core) is state, (slow_call_s, took_s)


def test_a_timeout_is_slow_whenever_it_came() -> None:
    """Its true duration is unknown and at least the timeout."""
    core = machine(slow_call_s=1.0, slow_rate=0.25, failure_rate=1.0)
    run(core, Outcome.TIMEOUT, 1.0, times=5, took_s=0.1)
    run(core, Outcome.OK, 1.0, times=15)
    assert state_of(core) is State.OPEN


def test_open_it_refuses_until_its_time_is_up() -> None:
    """Then it is half-open and the next caller is a probe."""
    core = opened()
    assert core.admit(core.reopens_s - 0.001) is None
    assert state_of(core) is State.OPEN
    assert core.admit(core.reopens_s) is not None
    assert state_of(core) is State.HALF_OPEN


def test_half_open_it_lets_so_many_probes_through_and_no_more() -> None:
    """Pitfall: half-open stampede. Of 50 callers who waited for it, 3 are let through."""
    core = opened()
    assert sum(core.admit(20.0) is not None for _ in range(50)) == 3


def test_half_open_it_decides_after_all_probes() -> None:
    """Not on the first result, and by the rate: one failure of three closes it, two open it again."""
    for failures, state in ((0, State.CLOSED), (1, State.CLOSED), (2, State.OPEN), (3, State.OPEN)):
        core = opened()
        permits = [admit(core, 20.0) for _ in range(3)]
        for number, permit in enumerate(permits):
            assert state_of(core) is State.HALF_OPEN
            core.settle(permit, Outcome.ERROR if number < failures else Outcome.OK, 20.0)
        assert state_of(core) is state, failures


def test_probes_that_say_nothing_are_given_again() -> None:
    """Pitfall: cancelled counted as success, or its permit lost. It neither closes nor opens, and others may probe."""
    core = opened()
    for outcome in SAYS_NOTHING:
        for _ in range(10):
            core.settle(admit(core, 20.0), outcome, 20.0)
            assert state_of(core) is State.HALF_OPEN, outcome
    run(core, Outcome.OK, 20.0, times=3)
    assert state_of(core) is State.CLOSED


def test_probes_that_hang_do_not_keep_it_half_open_for_ever() -> None:
    """Pitfall: half-open permits leaked by hung probes. After `probe_timeout_s` they have failed."""
    core = opened(probe_timeout_s=5.0)
    hung = [admit(core, 20.0) for _ in range(3)]
    assert core.admit(24.9) is None
    assert state_of(core) is State.HALF_OPEN
    assert core.admit(25.0) is None
    assert state_of(core) is State.OPEN
    reopens_s = core.reopens_s
    for permit in hung:
        core.settle(permit, Outcome.OK, 26.0)
    assert (state_of(core), core.reopens_s) == (State.OPEN, reopens_s)


def test_a_hung_probe_is_one_result_and_its_late_answer_is_none() -> None:
    """Pitfall: late results. Two good probes and a silent one decide; what the silent one brings later is ignored."""
    core = opened(probe_timeout_s=5.0, probes=3)
    silent = admit(core, 20.0)
    run(core, Outcome.OK, 20.0)
    assert admit(core, 25.0)  # The third; taking the silent one back does not make room for a fourth.
    assert core.admit(25.0) is None
    core.settle(silent, Outcome.ERROR, 25.1)
    assert state_of(core) is State.HALF_OPEN


def test_a_hung_probe_is_slow_where_slowness_counts() -> None:
    """One of three is too few failures here; as a slow call it is enough, if `slow_call_s` is set."""
    for slow_call_s, state in ((None, State.CLOSED), (1.0, State.OPEN)):
        core = opened(slow_call_s=slow_call_s, slow_rate=0.3, failure_rate=0.9)
        admit(core, 20.0)
        run(core, Outcome.OK, 20.0, times=2)
        core.admit(30.0)
        assert state_of(core) is state, slow_call_s


def test_results_from_an_earlier_state_are_ignored() -> None:
    """Pitfall: late results from the closed era counted in half-open, as its failures or as its successes."""
    for late, state in ((Outcome.ERROR, State.CLOSED), (Outcome.OK, State.OPEN)):
        core = machine()
        old = [admit(core, 0.0) for _ in range(40)]
        run(core, Outcome.ERROR, 0.0, times=20)
        probes = [admit(core, 20.0) for _ in range(3)]
        for permit in old:
            core.settle(permit, late, 20.0)
        assert state_of(core) is State.HALF_OPEN
        for permit in probes:
            core.settle(permit, Outcome.OK if state is State.CLOSED else Outcome.ERROR, 20.0)
        assert state_of(core) is state


def test_results_from_the_closed_era_before_do_not_open_the_next() -> None:
    """A generation is a spell, not a state: closed again is not the closed of before."""
    core = machine()
    old = [admit(core, 0.0) for _ in range(40)]
    run(core, Outcome.ERROR, 0.0, times=20)
    run(core, Outcome.OK, 20.0, times=3)
    for permit in old:
        core.settle(permit, Outcome.ERROR, 20.0)
    assert state_of(core) is State.CLOSED


def test_closed_again_it_starts_from_nothing() -> None:
    """The failures that opened it are forgotten."""
    core = opened(open_s=0.1, window_s=60.0)
    run(core, Outcome.OK, 1.0, times=3)
    run(core, Outcome.ERROR, 1.0, times=19)
    assert state_of(core) is State.CLOSED


def test_it_stays_open_twice_as_long_each_time_the_probes_fail() -> None:
    """1, 2, 4, 8, 10, 10 seconds, each within 20 %; once closed it starts from 1 again."""
    core, at_s = opened(), 0.0
    for expected_s in (1, 2, 4, 8, 10, 10):
        assert abs(core.reopens_s - at_s - expected_s) <= expected_s * OPEN_JITTER
        at_s = core.reopens_s
        run(core, Outcome.ERROR, at_s, times=3)
    at_s = core.reopens_s
    run(core, Outcome.OK, at_s, times=3)
    run(core, Outcome.ERROR, at_s, times=20)
    assert abs(core.reopens_s - at_s - 1) <= OPEN_JITTER


def test_a_fleet_that_tripped_together_does_not_return_together() -> None:
    """Pitfall: fleet-wide synchronised reopen. Twenty breakers open for twenty different times, by their seeds."""
    reopens_s = [opened(seed=seed).reopens_s for seed in range(20)]
    assert reopens_s == [opened(seed=seed).reopens_s for seed in range(20)]
    assert len(set(reopens_s)) == 20
    assert min(reopens_s) >= 0.8
    assert max(reopens_s) <= 1.2
    assert max(reopens_s) - min(reopens_s) > 0.2


@given(
    probes=st.integers(1, 5),
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.tuples(st.sampled_from(["admit", "settle", "wait", "long wait"]), st.sampled_from(list(Outcome))),
        max_size=200,
    ),
)
def test_half_open_never_has_more_probes_out_than_allowed(
    probes: int, seed: int, steps: list[tuple[str, Outcome]]
) -> None:
    """Through any order of calls, outcomes and pauses: out plus decided stay within `probes`, and it ends up closed."""
    core, random, at_s = machine(probes=probes, volume_min=2, seed=seed), Random(seed), 0.0
    out: list[Permit] = []
    given_in_spell: dict[int, int] = {}
    for step, outcome in steps:
        if step == "admit":
            permit = core.admit(at_s)
            if permit is not None:
                out.append(permit)
            if permit is not None and state_of(core) is State.HALF_OPEN:
                generation = permit[0]
                given_in_spell[generation] = given_in_spell.get(generation, 0) + 1
        elif step == "settle" and out:
            permit = out.pop(random.randrange(len(out)))
            before = state_of(core)
            core.settle(permit, outcome, at_s)
            if outcome in SAYS_NOTHING and before is State.HALF_OPEN and permit[0] in given_in_spell:
                given_in_spell[permit[0]] -= 1
        else:
            at_s += 0.3 if step == "wait" else 20.0
        assert len(core._probes_out) + core._probed.calls <= probes
        assert state_of(core) is State.HALF_OPEN or not core._probes_out
        assert all(given <= probes for given in given_in_spell.values())
        assert state_of(core) is not State.OPEN or core.reopens_s - at_s <= OPEN_MAX_S
    for _ in range(10 * probes):
        at_s += OPEN_MAX_S
        if (permit := core.admit(at_s)) is not None:
            core.settle(permit, Outcome.OK, at_s)
    assert state_of(core) is State.CLOSED
