"""The results of the instrument check as a page: docs/instrument.md."""

from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """# Is the instrument right?

<!-- Printed by `python -m benchmarks instrument --markdown`; a test fails when they differ. -->

Payment alone, with {slots} slots and a service time of {service_ms:g} ms, exponential or always the same, under Poisson
load through its link: the same generator, proxy and service as in every run. The write to the database comes on top, so
a slot is held for {hold_ms:g} ms and the capacity is C = {capacity_rps:g} a second.

What is measured is the mean wait for a slot: by the service itself, and by the generator as the latency less the hold
and the {way_ms:g} ms of the way, which is what is left over at {calm:.0%} of C. It is held against

- **Erlang C**: the mean wait with an exponential hold (Erlang 1917), by the rate and the hold as they came;
- **the law**: Erlang C x (1 + cv^2) / 2 for a hold that is exponential but for the write (Allen and Cunneen),
  Cosmetatos' approximation (1976) for a fixed one;
- **its very arrivals**: the line that these arrivals and these service times make, one after the other (Kiefer and
  Wolfowitz 1955). The other two are means over all arrivals that there could have been, which a short run need not come
  near. Here nothing is left to chance: what is off is the instrument's.
"""
_FOOT = """
Each is {runs} runs of {length_s:g} s after {warmup_s:g} s of warm-up, with the seeds {seeds}. In brackets: 95 %
intervals over the runs (Student's t).

Measured on {cores} cores, {platform}, Python {python}. To measure it again: `make instrument`.
"""
_HEADS = (
    "service",
    "load",
    "wait, ms",
    "by the generator, ms",
    "the law, ms",
    "wait over Erlang C",
    "over the law",
    "over its very arrivals",
)


def page(found: Mapping[str, Any]) -> str:
    """Return the page."""
    seeds = ", ".join(map(str, found["seeds"]))
    table = "\n".join(_table(found))
    foot = _FOOT.format(**{**found, **found["host"], "runs": len(found["seeds"]), "seeds": seeds})
    return f"{_HEAD.format(**found)}\n{table}\n{foot}"


def _table(found: Mapping[str, Any]) -> Iterator[str]:
    for line in (_HEADS, ["---"] * len(_HEADS), *(_row(point) for point in found["points"])):
        yield f"| {' | '.join(line)} |"


def _row(point: Mapping[str, Any]) -> tuple[str, ...]:
    erlang = point["over_erlang"] if point["service"] == "exponential" else None  # Of a fixed one it says nothing.
    return (
        point["service"],
        f"{point['load']:g} C",
        *(f"{point[name]:.1f}" for name in ("wait_ms", "client_ms", "law_ms")),
        *(_told(ratio) for ratio in (erlang, point["over_law"], point["over_arrivals"])),
    )


def _told(ratio: Mapping[str, float | None] | None) -> str:
    if ratio is None:
        return "-"
    if ratio["low"] is None or ratio["high"] is None:
        return f"{ratio['mean']:.2f}"
    return f"{ratio['mean']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
