"""Injector: faults come at their instant and go, whatever happens, and leave word of it."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from rulezero.errors import Problem
from rulezero.faults import CacheExpiry, CacheFlush, Fault, Statement, Toxic
from rulezero.runner import cache_faults, database_faults, injection
from rulezero.runner.injection import Injector, series_of
from rulezero.telemetry import faults
from tests.runner.fakes import (
    FAULT_END_S,
    FAULT_START_S,
    HANGS,
    NEAR_S,
    NOBODY,
    PROOF,
    FakeToxiproxy,
    injector,
    samples,
    serving,
)

SLOW = Statement(text="searches are slow", apply_sql="APPLY", revert_sql="REVERT", signature=PROOF)
HANG_LABELS = 'proxy="checkout-payment",toxic="rulezero_1_timeout_downstream",type="timeout",stream="downstream"'
SLOW_LABELS = 'proxy="primary",toxic="rulezero_1_statement",type="statement",stream=""'


@pytest.mark.wall_clock
async def test_a_toxic_lasts_for_the_fault_phase(tmp_path: Path) -> None:
    """Added as the fault says, removed at the end of the phase; when it was so is noted and in the metrics."""
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, HANGS)
        await one.run()
    (added, removed) = fake.asked
    assert (added[0], removed[0], added[1]) == ("POST", "DELETE", removed[1])
    assert 0 <= added[2] - one.zero_s - FAULT_START_S < NEAR_S
    assert 0 <= removed[2] - one.zero_s - FAULT_END_S < NEAR_S
    assert fake.toxics == {}
    (noted,) = one.injected
    assert (noted["text"], noted["kind"]) == ("timeout on checkout-payment (downstream, timeout 0)", "toxic")
    assert FAULT_START_S <= noted["start_s"] < FAULT_END_S <= noted["end_s"] < FAULT_END_S + NEAR_S
    assert samples(one)[-1][1:] == ["machine", "toxic_active", HANG_LABELS, "0"]


@pytest.mark.wall_clock
@pytest.mark.parametrize("after_s", [0.0, FAULT_START_S + 0.02, FAULT_START_S + 0.25])
async def test_a_run_that_is_cancelled_leaves_no_toxic(tmp_path: Path, after_s: float) -> None:
    """Before the fault, while it is being added, and in the middle of it."""
    async with serving(FakeToxiproxy(slow_s=0.1)) as fake:
        one = injector(fake, tmp_path, HANGS)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(after_s)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert fake.toxics == {}
        assert len(fake.asked) == (0 if after_s == 0 else 2)
    samples(one)
    assert all(noted["end_s"] is not None for noted in one.injected)


@pytest.mark.wall_clock
async def test_toxics_of_one_kind_on_one_link_are_told_apart(tmp_path: Path) -> None:
    """One after the other, overlapping: each has a name of its own, and the first to end takes only itself away."""
    first, second = (
        Toxic(
            link="checkout-payment", type="latency", attributes={"latency": number}, at_s=at_s, for_s=0.2,
            signature=PROOF,
        )
        for number, at_s in ((5, 0.0), (7, 0.1))
    )  # fmt: skip
    async with serving(FakeToxiproxy()) as fake:
        one = injector(fake, tmp_path, first, second)
        await one.run()
        assert fake.toxics == {}
    samples(one)
    names = ["rulezero_1_latency_downstream", "rulezero_2_latency_downstream"]
    assert [(method, name) for method, name, _ in fake.asked] == [
        ("POST", names[0]), ("POST", names[1]), ("DELETE", names[0]), ("DELETE", names[1]),
    ]  # fmt: skip


Asked = list[tuple[str, float]]


def pretend(monkeypatch: pytest.MonkeyPatch, *, took_s: float = 0.0, refuses: tuple[str, ...] = ()) -> Asked:
    """Replace what acts on cache and database; return what was asked of them, and when."""
    asked: Asked = []

    def note(what: str) -> None:
        asked.append((what, asyncio.get_running_loop().time()))
        if what in refuses:
            raise Problem(f"{what} was refused")

    async def expire(address: str, key: str, *, lead_s: float) -> None:
        note(f"{key} on {address} ends in {lead_s:g} s")

    async def flush(address: str) -> None:
        note(f"flush {address}")

    async def later(act: Callable[..., None], *arguments: Any) -> None:
        await asyncio.sleep(took_s)
        act(*arguments)

    async def to_the_end(act: Callable[..., None], *arguments: Any) -> None:
        thread = asyncio.ensure_future(later(act, *arguments))
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            await thread
            raise

    monkeypatch.setattr(cache_faults, "expire", expire)
    monkeypatch.setattr(cache_faults, "flush", flush)
    monkeypatch.setattr(database_faults, "execute", lambda dsn, sql, what: note(f"{sql} on {dsn}, as {what}"))
    monkeypatch.setattr(injection, "to_the_end", to_the_end)
    return asked


def on_primary(sql: str) -> str:
    return f"{sql} on postgresql://nobody@{NOBODY}/nothing, as searches are slow"


def since_zero(one: Injector, asked: Asked) -> list[tuple[str, Any]]:
    return [(what, pytest.approx(at_s - one.zero_s)) for what, at_s in asked]


@pytest.mark.parametrize("lead_s", [0.0, 0.1])
async def test_a_key_expires_at_each_instant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lead_s: float) -> None:
    """The entry is told of its end so long before it; the end itself is what is noted."""
    asked = pretend(monkeypatch)
    expiry = CacheExpiry(key="item:1", at_s=(0.1, 0.3), lead_s=lead_s, signature=PROOF)
    one = injector(FakeToxiproxy(), tmp_path, expiry)
    await one.run()
    assert samples(one) == []
    what = f"item:1 on {NOBODY} ends in {lead_s:g} s"
    ends_s = [FAULT_START_S + at_s for at_s in expiry.at_s]
    assert since_zero(one, asked) == [(what, end_s - lead_s) for end_s in ends_s]
    assert one.injected == [
        {"text": "item:1 expires", "kind": "expiry", "start_s": pytest.approx(end_s), "end_s": None} for end_s in ends_s
    ]


async def test_the_cache_is_flushed_at_its_instant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once; it is over as soon as it was."""
    asked = pretend(monkeypatch)
    one = injector(FakeToxiproxy(), tmp_path, CacheFlush(at_s=0.1, signature=PROOF))
    await one.run()
    assert samples(one) == []
    assert since_zero(one, asked) == [(f"flush {NOBODY}", FAULT_START_S + 0.1)]
    (noted,) = one.injected
    assert noted == {
        "text": "the cache is flushed", "kind": "flush", "start_s": pytest.approx(FAULT_START_S + 0.1), "end_s": None,
    }  # fmt: skip


async def test_a_statement_lasts_for_the_fault_phase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Applied at its start and taken back at its end; when it was so is noted and in the metrics."""
    asked = pretend(monkeypatch)
    one = injector(FakeToxiproxy(), tmp_path, SLOW)
    await one.run()
    assert since_zero(one, asked) == [(on_primary("APPLY"), FAULT_START_S), (on_primary("REVERT"), FAULT_END_S)]
    (noted,) = one.injected
    assert (noted["text"], noted["kind"]) == ("searches are slow", "statement")
    assert (noted["start_s"], noted["end_s"]) == (pytest.approx(FAULT_START_S), pytest.approx(FAULT_END_S))
    assert samples(one)[-1][1:] == ["machine", "toxic_active", SLOW_LABELS, "0"]


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [
        (0.1, []),
        (FAULT_START_S + 0.02, ["APPLY", "REVERT"]),  # While it is being applied, which nothing can stop.
        (FAULT_START_S + 0.2, ["APPLY", "REVERT"]),
        (FAULT_END_S + 0.02, ["APPLY", "REVERT", "REVERT"]),  # While it is being taken back: twice does no harm.
    ],
)
async def test_a_run_that_is_cancelled_takes_its_statement_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_s: float, expected: list[str]
) -> None:
    """Before the fault there is nothing to take back."""
    asked = pretend(monkeypatch, took_s=0.05)
    one = injector(FakeToxiproxy(), tmp_path, SLOW)
    running = asyncio.create_task(one.run())
    await asyncio.sleep(after_s)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    samples(one)
    assert [what for what, _ in asked] == [on_primary(sql) for sql in expected]
    assert all(noted["end_s"] is not None for noted in one.injected)


@pytest.mark.parametrize("also", ["", "REVERT"])
async def test_a_statement_that_seems_to_have_failed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, also: str
) -> None:
    """At once, as its answer alone may be lost; what went wrong first is told, also where that fails too."""
    asked = pretend(monkeypatch, refuses=(on_primary("APPLY"), on_primary(also)))
    one = injector(FakeToxiproxy(), tmp_path, SLOW)
    with pytest.raises(Problem, match=r"^APPLY on .* was refused$"):
        await one.run()
    assert since_zero(one, asked) == [(on_primary("APPLY"), FAULT_START_S), (on_primary("REVERT"), FAULT_START_S)]
    assert (samples(one), one.injected) == ([], [])


@pytest.mark.wall_clock
async def test_a_toxic_that_seems_to_have_failed_is_taken_away(tmp_path: Path) -> None:
    """The proxy has it, although its answer was none."""
    async with serving(FakeToxiproxy(half_done=True)) as fake:
        one = injector(fake, tmp_path, HANGS)
        with pytest.raises(Problem, match=r"refused: .*half done"):
            await one.run()
        assert fake.toxics == {}
        assert [method for method, _, _ in fake.asked] == ["POST", "DELETE"]
    assert (samples(one), one.injected) == ([], [])


@pytest.mark.parametrize(("sql", "noted"), [("APPLY", 0), ("REVERT", 1)])
async def test_a_statement_that_is_refused_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str, noted: int
) -> None:
    """One that could not be taken back is as bad as one that could not be applied, which is not noted."""
    pretend(monkeypatch, refuses=(on_primary(sql),))
    one = injector(FakeToxiproxy(), tmp_path, SLOW)
    with pytest.raises(Problem, match=f"^{sql} on .* was refused$"):
        await one.run()
    samples(one)
    assert [fault["kind"] for fault in one.injected] == ["statement"] * noted


async def test_a_refusal_takes_the_other_faults_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not at the end of the phase; and the refused one is not noted."""
    asked = pretend(monkeypatch, refuses=(f"flush {NOBODY}",))
    one = injector(FakeToxiproxy(), tmp_path, SLOW, CacheFlush(at_s=0.1, signature=PROOF))
    with pytest.raises(Problem, match=r"^flush .* was refused$"):
        await one.run()
    samples(one)
    assert since_zero(one, asked)[-1] == (on_primary("REVERT"), FAULT_START_S + 0.1)
    assert [noted["kind"] for noted in one.injected] == ["statement"]


async def test_active_toxics_are_in_the_metrics_each_second(tmp_path: Path) -> None:
    """So that a chart can shade the fault from the metrics alone."""
    one = injector(FakeToxiproxy(), tmp_path)
    one._active.add(faults.FaultSeries("a", "b", "c"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2.5):
            await one._tell()
    assert [(row[0], row[4]) for row in samples(one)] == [("0.000", "1"), ("1.000", "1"), ("2.000", "1")]


def shown(series: faults.FaultSeries) -> float | None:
    """Return what a scrape would see."""
    return faults.REGISTRY.get_sample_value("toxic_active", asdict(series))


async def test_a_lasting_fault_is_shown_from_its_start_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 before it, so that its series is there from the start; 1 while it lasts; 0 again, also when cancelled."""
    pretend(monkeypatch)
    for until_s in (FAULT_END_S + 1, FAULT_START_S + 0.2):
        one = injector(FakeToxiproxy(), tmp_path, SLOW)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.1)
        assert shown(series_of(SLOW, 1)) == 0
        await asyncio.sleep(FAULT_START_S)
        assert shown(series_of(SLOW, 1)) == 1
        await asyncio.sleep(until_s - FAULT_START_S - 0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert shown(series_of(SLOW, 1)) == 0
        samples(one)


async def test_what_is_over_at_once_is_shown_to_a_scrape_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For more than a second after its instant."""
    pretend(monkeypatch)
    flush = CacheFlush(at_s=0.1, signature=PROOF)
    one = injector(FakeToxiproxy(), tmp_path, flush)
    await one.run()
    await asyncio.sleep(1.1)
    assert shown(series_of(flush, 1)) == 1
    await asyncio.sleep(1)
    assert shown(series_of(flush, 1)) == 0
    samples(one)


def test_every_kind_of_fault_has_a_series_of_its_own() -> None:
    """The link or part that it is at, a name that no other fault of the arm has, and what kind it is."""
    expiry = CacheExpiry(key="item:1", at_s=(0.1,), signature=PROOF)
    kinds: tuple[Fault, ...] = (HANGS, SLOW, expiry, CacheFlush(signature=PROOF))
    series = [series_of(fault, number) for number, fault in enumerate(kinds, 1)]
    assert [(one.proxy, one.type, one.stream) for one in series] == [
        ("checkout-payment", "timeout", "downstream"), ("primary", "statement", ""), ("cache", "expiry", ""),
        ("cache", "flush", ""),
    ]  # fmt: skip
    assert len({one.toxic for one in series}) == len(series)
