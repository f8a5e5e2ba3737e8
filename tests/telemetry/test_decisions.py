import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rulezero.telemetry import tracing
from rulezero.telemetry.decisions import Decisions
from rulezero.telemetry.tracing import continued, parse_traceparent
from tests.counters import Change

_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}"


def test_each_decision_is_counted_by_itself() -> None:
    """By family, defence, decision and dependency."""
    labels = {"family": "call", "defence": "retry", "dependency": "decisions-test"}
    scheduled = Change("defence_decisions_total", decision="scheduled", **labels)
    exhausted = Change("defence_decisions_total", decision="exhausted", **labels)
    teller = Decisions(family="call", defence="retry", dependency="decisions-test")
    teller.decided("scheduled", attempt=1)
    teller.decided("scheduled", attempt=2)
    teller.decided("exhausted")
    Decisions(family="call", defence="retry", dependency="another").decided("exhausted")
    assert (scheduled(), exhausted()) == (2, 1)


def test_a_recorded_span_is_told_the_decision_and_its_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two defences on one span do not overwrite each other."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("test"))
    with continued(parse_traceparent(_PARENT.format(flags="01")), "call"):
        Decisions(family="call", defence="retry", dependency="payment").decided("scheduled", delay_s=0.5)
        Decisions(family="call", defence="timeout", dependency="payment").decided("timed_out", timeout_s=1.0)
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes or {}) == {
        "defence.retry.decision": "scheduled",
        "defence.retry.delay_s": 0.5,
        "defence.timeout.decision": "timed_out",
        "defence.timeout.timeout_s": 1.0,
    }
    provider.shutdown()


def test_outside_of_a_recorded_span_only_the_counter_moves() -> None:
    """Nothing raises."""
    with continued(parse_traceparent(_PARENT.format(flags="00")), "call"):
        Decisions(family="call", defence="retry", dependency="payment").decided("scheduled", delay_s=0.5)


@pytest.mark.parametrize("state", [2, 1, 0])
def test_the_breaker_and_the_limiter_have_gauges(state: int) -> None:
    """A limiter's resource names the defence and the dependency, since one dependency may have several."""
    Decisions(family="call", defence="circuit_breaker", dependency="gauge-test").breaker_state(state)
    assert Change("circuit_breaker_state", dependency="gauge-test").value == state
    Decisions(family="call", defence="bulkhead", dependency="gauge-test").concurrency(limit=9, in_use=lambda: state)
    assert Change("concurrency_limit", resource="bulkhead:gauge-test").value == 9
    assert Change("concurrency_in_use", resource="bulkhead:gauge-test").value == state
