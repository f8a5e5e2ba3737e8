"""The committed results as Markdown: what README quotes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# As numbered in benchmarks/behaviour.py.
LEGEND = (
    "Out are those that fail a check: 0 does what it is for, 1 few probes, 2 callers that leave do not open a breaker, "
    "3 a cancelled probe counts nothing, 4 parallel calls stay parallel, 5 no wall clock, 6 who leaves a shared load "
    "takes nothing from the others, 7 late delays vary."
)


def render(results: Mapping[str, Any]) -> str:
    """Return the tables; of parts that were not measured, nothing."""
    parts = (
        ("defences", _defences),
        ("telemetry", _telemetry),
        ("toxiproxy", _toxiproxy),
        ("record", _record),
    )
    return "\n\n".join("\n".join(make(results[name])) for name, make in parts if name in results) + "\n"


def _defences(found: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for defence, one in found.items():
        peer = one["cheapest_correct_peer"]
        out = "; ".join(f"{name} ({', '.join(map(str, checks))})" for name, checks in one["failed"].items())
        cost_us = one["cost_us"]
        beside = (peer, f"{cost_us[peer]:.1f}", f"{one['ratio']:.2f}") if peer else ("-", "-", "-")
        rows.append((defence, f"{cost_us['rulezero']:.1f}", *beside, out or "-"))
    yield from _table(
        (
            "defence, quiet",
            "us per call",
            "cheapest library that behaves",
            "us per call",
            "ratio",
            "out (checks failed)",
        ),
        rows,
    )
    yield ""
    yield LEGEND


def _telemetry(found: Mapping[str, Any]) -> Iterator[str]:
    yield from _table(
        ("telemetry, CPU added per request", "rulezero, us", "contrib ASGI, us", "ratio", "contrib, one span", "ratio"),
        [
            (
                name,
                f"{one['rulezero_us']:.0f}",
                f"{one['contrib_us']:.0f}",
                f"{one['ratio']:.2f}",
                f"{one['contrib_one_span_us']:.0f}",
                f"{one['ratio_one_span']:.2f}",
            )
            for name, one in found.items()
        ],
    )


def _toxiproxy(found: Mapping[str, Any]) -> Iterator[str]:
    if "skipped" in found:
        yield f"Toxiproxy was not compared: {found['skipped']}."
        return
    embedded, real, ratio = found["embedded"], found["real"], found["embedded_over_real"]
    yield from _table(
        ("Toxiproxy", "embedded", "real", "ratio"),
        [
            (
                name.replace("_", " "),
                f"{value:,.0f}",
                f"{real[name]:,.0f}",
                f"{ratio[name]:.2f}" if name in ratio else "-",
            )
            for name, value in embedded.items()
        ],
    )


def _record(found: Mapping[str, Any]) -> Iterator[str]:
    yield from _table(
        ("record", "seconds", "of CPU", "peak memory, MB"),
        [
            (
                f"{found['rows']:,} requests in {found['arms']} arms, judged and drawn",
                f"{found['seconds']:.1f}",
                f"{found['cpu_seconds']:.1f}",
                f"{found['peak_mb']:,}",
            )
        ],
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for line in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(line)} |"
