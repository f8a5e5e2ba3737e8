"""The proof of a fault in a system that tells nothing: bytes, latency or failures must change."""

from typing import Any

import pytest

from rulezero.analysis.left_traces import BYTES, proofs
from rulezero.faults import Toxic, Trace
from tests.analysis.frames import manifest, metrics, row, rows, sample

TOXIC = Toxic(link="db", type="latency", signature=Trace())


def counted(fault_rate: float, *, link: str = "db", rate: float = 100.0) -> list[dict[str, Any]]:
    """Return what Toxiproxy says each second: bytes at `rate`, in the fault (5 to 9 s) at `fault_rate`."""
    found, total = [], 0.0
    for second in range(20):
        labels = f'direction="downstream",listener="l",proxy="{link}",upstream="u"'
        found.append(sample(float(second), BYTES, total, labels, process="toxiproxy"))
        total += fault_rate if 5 <= second < 9 else rate
    return found


def requests(**in_fault: Any) -> list[dict[str, Any]]:
    return [row(number / 10, **(in_fault if 50 <= number < 90 else {})) for number in range(190)]


def found(
    samples: list[dict[str, Any]], asked: list[dict[str, Any]], toxic: Toxic = TOXIC
) -> dict[str, tuple[float, str]]:
    return {name: (count, text) for name, count, text in proofs(toxic, rows(*asked), metrics(*samples), manifest())}


@pytest.mark.parametrize(
    ("samples", "asked", "told"),
    [
        (counted(2.0), requests(), "bytes downstream went to 2%"),
        (counted(300.0), requests(), "bytes downstream went to 300%"),
        (counted(100.0), requests(latency_ms=200.0), "p95 of browse went from 10 to 200 ms"),
        (counted(100.0), requests(outcome="error"), "100% were bad after 0%"),
    ],
)
def test_one_trace_is_enough(samples: list[dict[str, Any]], asked: list[dict[str, Any]], told: str) -> None:
    """A defence may hide the fault from users, and delay changes no bytes."""
    count, text = found(samples, asked)["fault_proof"]
    assert count == 1
    assert told in text


@pytest.mark.parametrize("asked", [requests(), requests(latency_ms=25.0), requests(latency_ms=15.0)])
def test_a_fault_without_a_trace_is_not_proven(asked: list[dict[str, Any]]) -> None:
    """What a busy machine does by itself is none."""
    count, text = found(counted(120.0), asked)["fault_proof"]
    assert (count, text) == (0, "latency on db (downstream): nothing changed")


def test_a_link_that_nothing_crossed() -> None:
    """The service does not go through it, which is the commonest mistake in such a file."""
    assert found(counted(0.0, link="other"), requests())["link_in_use"] == (0.0, "0 bytes crossed db before the fault")
    assert found(counted(0.0), requests())["link_in_use"][0] == pytest.approx(400.0)


def test_only_the_time_of_the_toxic_counts() -> None:
    """One that lasts for a second is not averaged away over the whole phase."""
    brief = Toxic(link="db", type="latency", signature=Trace(), at_s=1.0, for_s=1.0)
    asked = [row(number / 10, latency_ms=300.0 if 60 <= number < 70 else 10.0) for number in range(190)]
    assert found(counted(100.0), asked, brief)["fault_proof"][0] == 1
