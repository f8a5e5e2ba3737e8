import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.adaptive_throttle import (
    AdaptiveThrottle,
    AdaptiveThrottleConfig,
    Machine,
    Throttled,
    rejection_probability,
)
from rulezero.outcome import Failed, NotSent, Outcome, Rejected, TimedOut
from tests.defences.fakes import OPERATION, Dependency, RecordingTeller, context, outcomes


def throttle(teller: RecordingTeller | None = None, **numbers: Any) -> AdaptiveThrottle:
    return AdaptiveThrottle(AdaptiveThrottleConfig(**numbers), context(teller))


def probability(layer: AdaptiveThrottle) -> float:
    return layer._machine.rejection_probability(asyncio.get_running_loop().time())


async def test_while_most_is_accepted_nothing_is_refused() -> None:
    """With K = 2 half may fail; and nothing is told."""
    teller = RecordingTeller()
    layer, dependency = throttle(teller), Dependency(*["reply", Rejected("429")] * 200)
    results = await outcomes(layer(OPERATION, dependency) for _ in range(400))
    assert (len(dependency.calls), results.count("reply"), teller.names) == (400, 200, [])


async def test_what_is_refused_is_not_sent_and_told() -> None:
    """With the probability, and an error that no retry insists on."""
    teller, dependency = RecordingTeller(), Dependency(Rejected("429"))
    layer = throttle(teller)
    results = [one for _ in range(200) for one in await outcomes([layer(OPERATION, dependency)])]
    refused = [one for one in results if isinstance(one, Throttled)]
    assert len(dependency.calls) + len(refused) == 200
    assert len(refused) > 100
    assert teller.names == ["rejected"] * len(refused)
    assert teller.detail("rejected")["probability"] == 0.8
    assert (refused[0].outcome, refused[0].retryable) == (Outcome.NOT_SENT, False)


@pytest.mark.parametrize(
    ("error", "refuses"),
    [
        (Rejected("429"), True),
        (TimedOut("slow"), True),
        (Failed("500"), True),
        (NotSent("breaker open"), False),
        (asyncio.CancelledError(), False),
    ],
)
async def test_each_outcome_counts_as_what_it_is(error: BaseException, *, refuses: bool) -> None:
    """A caller that left and a refusal further in say nothing about what the dependency accepts."""
    layer = throttle()
    for _ in range(30):
        await outcomes([asyncio.ensure_future(layer(OPERATION, Dependency(error)))])
    assert (probability(layer) > 0) is refuses


async def test_an_error_can_be_taken_for_accepted() -> None:
    """As in the SRE book, where only overload counts; timeouts and refusals still do."""
    layer = throttle(errors_accepted=True)
    await outcomes(layer(OPERATION, Dependency(Failed("500"))) for _ in range(30))
    assert probability(layer) == 0
    await outcomes(layer(OPERATION, Dependency(TimedOut("slow"))) for _ in range(100))
    assert probability(layer) > 0.3


async def test_pitfall_a_refusal_of_the_request_itself_is_an_accept() -> None:
    """Counting 4xx as non-accepts: such replies are returned, not raised, and the dependency did its work."""
    layer = throttle()
    await outcomes(layer(OPERATION, Dependency({"status": 404})) for _ in range(100))
    assert probability(layer) == 0


@pytest.mark.parametrize(("reject_max", "probes"), [(0.9, 3000 * 0.1), (1.0, 40)])
async def test_pitfall_without_a_cap_the_client_starves_its_own_probes(reject_max: float, probes: float) -> None:
    """Of 3000 calls in 30 s to what answers nothing: a tenth still goes out, or next to none."""
    layer, dependency = throttle(reject_max=reject_max), Dependency(TimedOut("no answer"))
    for _ in range(3000):
        await outcomes([layer(OPERATION, dependency)])
        await asyncio.sleep(0.01)
    assert len(dependency.calls) == pytest.approx(probes, rel=0.35), "seed 0"


async def test_pitfall_a_long_window_outlives_the_trouble() -> None:
    """Half a minute of refusals, then all is well: 20 s later a window of 10 s has forgotten, one of 120 s has not."""
    left = {}
    for window_s in (10.0, 120.0):
        layer = throttle(window_s=window_s, reject_max=0.9)
        for answer, seconds in ((Rejected("429"), 30), ("reply", 20)):
            dependency = Dependency(answer)
            for _ in range(seconds * 50):
                await outcomes([layer(OPERATION, dependency)])
                await asyncio.sleep(0.02)
        left[window_s] = probability(layer)
    assert left[10.0] < 0.1, "seed 0"
    assert left[120.0] > 0.5, "seed 0"


async def test_pitfall_a_few_requests_prove_nothing() -> None:
    """Low request rates: below the least number in the window, all goes out."""
    layer, dependency = throttle(volume_min=20), Dependency(Rejected("429"))
    for _ in range(60):
        await outcomes([layer(OPERATION, dependency)])
        await asyncio.sleep(1)
    assert len(dependency.calls) == 60


async def test_an_idle_client_forgets() -> None:
    """Its first call after a pause longer than the window goes out, though it counted nothing meanwhile."""
    layer = throttle(count_local=False, reject_max=1.0)
    await outcomes(layer(OPERATION, Dependency(Rejected("429"))) for _ in range(1000))
    assert probability(layer) > 0.9
    await asyncio.sleep(11)
    assert await layer(OPERATION, Dependency()) == "reply"


def seen_rps(*, lam_rps: float, capacity_rps: float, clients: int, seed: int, **numbers: Any) -> float:
    """Return what a dependency that accepts `capacity_rps` sees in the second half of a minute."""
    random, seen, length_s = Random(seed), 0, 60.0
    machines = [Machine(AdaptiveThrottleConfig(window_s=5.0, **numbers)) for _ in range(clients)]
    burst = capacity_rps
    tokens, last_s = burst, 0.0
    for now_s in arrivals(random, lam_rps, length_s):
        machine = random.choice(machines)
        if random.random() < machine.rejection_probability(now_s):
            machine.rejected(now_s)
            continue
        tokens, last_s = min(burst, tokens + (now_s - last_s) * capacity_rps), now_s
        accepts = tokens >= 1
        tokens -= accepts
        machine.settle(Outcome.OK if accepts else Outcome.REJECTED, now_s)
        seen += now_s > length_s / 2
    return seen / (length_s / 2)


def arrivals(random: Random, rate_rps: float, length_s: float) -> Iterator[float]:
    now_s = random.expovariate(rate_rps)
    while now_s < length_s:
        yield now_s
        now_s += random.expovariate(rate_rps)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("lam_rps", "k"), [(500.0, 2.0), (500.0, 1.1), (75.0, 2.0), (200.0, 2.0)])
def test_law_counting_local_refusals_the_dependency_sees_k_times_what_it_accepts(
    lam_rps: float, k: float, seed: int
) -> None:
    """min(L, K x C), for C = 50 a second."""
    found_rps = seen_rps(lam_rps=lam_rps, capacity_rps=50.0, clients=1, seed=seed, k=k, reject_max=0.95)
    assert found_rps == pytest.approx(min(lam_rps, k * 50.0), rel=0.15), f"seed {seed}"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("lam_rps", "k"), [(500.0, 2.0), (500.0, 1.1), (75.0, 2.0), (200.0, 2.0)])
def test_law_not_counting_them_it_sees_the_geometric_mean(lam_rps: float, k: float, seed: int) -> None:
    """sqrt(L x K x C), once L is above K x C, for C = 50 a second."""
    found_rps = seen_rps(
        lam_rps=lam_rps, capacity_rps=50.0, clients=1, seed=seed, k=k, reject_max=0.95, count_local=False
    )
    expected_rps = lam_rps if lam_rps <= k * 50 else (lam_rps * k * 50) ** 0.5
    assert found_rps == pytest.approx(expected_rps, rel=0.15), f"seed {seed}"


@pytest.mark.parametrize(("clients", "expected_rps"), [(10, 100.0), (500, 500.0)])
def test_pitfall_many_clients_at_k_each(clients: int, expected_rps: float) -> None:
    """Ten send K x C together; five hundred, each below the least number in its window, send everything."""
    found_rps = seen_rps(lam_rps=500.0, capacity_rps=50.0, clients=clients, seed=1)
    assert found_rps == pytest.approx(expected_rps, rel=0.15), "seed 1"


@given(
    outcomes_s=st.lists(st.tuples(st.sampled_from(Outcome), st.floats(0, 3)), max_size=100),
    k=st.floats(1, 5),
    reject_max=st.floats(0, 1),
    count_local=st.booleans(),
)
def test_law_the_probability_is_that_of_what_the_window_holds(
    outcomes_s: list[tuple[Outcome, float]], k: float, reject_max: float, *, count_local: bool
) -> None:
    """Whatever happens: what is older than ten slices of half a second is forgotten, a cancelled call never counted."""
    config = AdaptiveThrottleConfig(k=k, reject_max=reject_max, count_local=count_local, volume_min=1)
    machine, now_s, counted = Machine(config), 0.0, list[tuple[int, bool]]()
    for outcome, gap_s in outcomes_s:
        now_s += gap_s
        slice_now = int(now_s / 0.5)
        if machine.rejection_probability(now_s) > reject_max / 2:
            machine.rejected(now_s)
            counted += [(slice_now, False)] * count_local
        machine.settle(outcome, now_s)
        counted += [(slice_now, outcome is Outcome.OK)] * (outcome not in {Outcome.CANCELLED, Outcome.NOT_SENT})
        held = [accepted for at, accepted in counted if slice_now - at < 10]
        share = (len(held) - k * sum(held)) / (len(held) + 1)
        assert machine.rejection_probability(now_s) == pytest.approx(min(max(share, 0.0), reject_max))


@pytest.mark.parametrize(
    ("requests", "accepts", "expected"), [(100, 100, 0), (100, 50, 0), (100, 25, 50 / 101), (19, 0, 0), (999, 0, 0.8)]
)
def test_the_formula_is_the_published_one(requests: int, accepts: int, expected: float) -> None:
    """(requests - K x accepts) / (requests + 1), from the least number of requests on, up to the cap."""
    assert rejection_probability(requests, accepts, AdaptiveThrottleConfig()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("numbers", "key"),
    [
        ({"k": 0.9}, "k"),
        ({"window_s": 0.0}, "window_s"),
        ({"reject_max": 1.1}, "reject_max"),
        ({"volume_min": 0}, "volume_min"),
        ({"buckets": 0}, "buckets"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_name(numbers: dict[str, Any], key: str) -> None:
    """Each by itself."""
    with pytest.raises(msgspec.ValidationError, match=key):
        msgspec.convert(numbers, AdaptiveThrottleConfig)
