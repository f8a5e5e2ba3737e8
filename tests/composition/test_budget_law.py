"""A retry budget never grants more than b + r*t."""

from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.retry_budget import _SLICES, RatioBudget
from tests.composition.crowd import LAW

TTL_S = 10.0
# The window forgets whole slices, so it is up to one of them shorter than it is said to be.
SHORTEST_S = TTL_S * (1 - 1 / _SLICES)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["first", "extra", "extra"]), st.sampled_from([0.0, 0.0, 0.001, 0.1, 1.0, 5.0, 20.0])),
    max_size=300,
)


@LAW
@given(ratio=st.sampled_from([0.05, 0.2, 0.5, 1.0]), reserve_per_s=st.sampled_from([0.0, 0.3, 1.0, 5.0]), events=EVENTS)
def test_a_budget_grants_no_more_than_its_burst_and_its_rate(
    ratio: float, reserve_per_s: float, events: list[tuple[str, float]]
) -> None:
    """Over every interval: b is the reserve and what the last `ttl_s` paid in, r the reserve's rate and the ratio."""
    budget = RatioBudget(ratio=ratio, ttl_s=TTL_S, reserve_per_s=reserve_per_s)
    now_s, firsts, extras = 0.0, list[float](), list[float]()
    for kind, pause_s in events:
        now_s += pause_s
        if kind == "first":
            budget.deposit(now_s)
            firsts.append(now_s)
            continue
        affordable = budget.affords(now_s)
        assert budget.withdraw(now_s) == affordable
        if affordable:
            extras.append(now_s)
    for index, start_s in enumerate(extras):
        for count, end_s in enumerate(extras[index:], start=1):
            paid_in = ratio * sum(start_s - TTL_S <= at_s <= end_s for at_s in firsts)
            reserve = reserve_per_s * TTL_S * (1 + (end_s - start_s) // SHORTEST_S)
            assert count <= paid_in + reserve + 1e-9


@LAW
@given(ratio=st.sampled_from([0.05, 0.2, 0.5, 1.0]), events=EVENTS)
def test_without_a_reserve_every_extra_attempt_was_paid_for_by_first_ones(
    ratio: float, events: list[tuple[str, float]]
) -> None:
    """At any time: extra attempts so far are at most their share of the first ones so far."""
    budget = RatioBudget(ratio=ratio, ttl_s=TTL_S, reserve_per_s=0.0)
    now_s, firsts, extras = 0.0, 0, 0
    for kind, pause_s in events:
        now_s += pause_s
        if kind == "first":
            budget.deposit(now_s)
            firsts += 1
        else:
            extras += budget.withdraw(now_s)
        assert extras <= ratio * firsts + 1e-9
