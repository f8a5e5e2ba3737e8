"""Charts by question, one for each arm; and what is said where there is none."""

from dataclasses import replace

import polars as pl

from rulezero.record import Record
from rulezero.report.sections import Section, sections


def by_key(record: Record) -> dict[str, Section]:
    return {section.key: section for section in sections(record)}


def test_a_chart_for_each_arm(record: Record) -> None:
    """In the order they ran, the control named as such; latency stands beside outcomes."""
    found = by_key(record)
    assert list(found) == ["outcomes", "attempts", "decisions", "breakers"]
    assert [cell.heading for cell in found["outcomes"].cells] == [
        "none (control): outcomes per second", "none (control): latency of good answers, ms",
        "circuit_breaker: outcomes per second", "circuit_breaker: latency of good answers, ms",
    ]  # fmt: skip
    assert [cell.heading for cell in found["attempts"].cells] == ["none (control)", "circuit_breaker"]


def test_arms_share_one_scale(record: Record) -> None:
    """Or small multiples would lie; every arm of a section has the same y domain."""
    for section in sections(record):
        if section.key == "breakers":
            continue
        kinds: dict[str, set[str]] = {}
        for cell in section.cells:
            assert cell.figure is not None
            for layer in cell.figure.spec["layer"]:
                if "field" in layer["encoding"].get("y", {}):
                    domain = str(layer["encoding"]["y"]["scale"]["domain"])
                    kinds.setdefault(cell.figure.key.partition("-")[0], set()).add(domain)
        assert all(len(domains) == 1 for domains in kinds.values())


def test_an_arm_without_a_chart_is_named(record: Record) -> None:
    """The control has no defence that could decide anything."""
    found = by_key(record)
    assert found["decisions"].absent == "No defence intervened in: arm none."
    assert found["breakers"].absent == "No circuit breaker, or none that left the closed state, in: arm none."


def test_breakers_that_stayed_closed_are_no_empty_chart(record: Record) -> None:
    """It says that there were some."""
    closed = pl.when(pl.col("name") == "circuit_breaker_state").then(0.0).otherwise(pl.col("value")).alias("value")
    section = by_key(replace(record, metrics=record.metrics.with_columns(closed)))["breakers"]
    assert (list(section.cells), section.absent) == ([], "Every circuit breaker stayed closed (in circuit_breaker).")


def test_what_only_lets_calls_pass_is_not_drawn(record: Record) -> None:
    """It would be a line as high as the load."""
    (cell,) = by_key(record)["decisions"].cells
    assert cell.figure is not None
    assert [each.label for each in cell.figure.legend] == ["circuit_breaker: refused"]


def test_loads_at_the_origin_where_a_cache_was_loaded(record: Record) -> None:
    """An experiment without a cache has no such section."""
    loads = pl.DataFrame(
        [("none", float(second), "catalog-1", "cache_loads_total", 'cache="items"', second * 5.0) for second in (1, 2)],
        schema=record.metrics.schema, orient="row",
    )  # fmt: skip
    section = by_key(replace(record, metrics=pl.concat([record.metrics, loads])))["origin"]
    assert [cell.heading for cell in section.cells] == ["none (control)"]
    assert section.absent == "Nothing was loaded in: arm circuit_breaker."
