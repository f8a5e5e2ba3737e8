"""Queues in a report: their backlog beside the law, one chart for each arm and measure; and where there is none."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from rulezero.analysis.figures import windows_of
from rulezero.analysis.queues import queues
from rulezero.record import Record
from rulezero.report.charts.frame import time_axis
from rulezero.report.headline import comparison_of
from rulezero.report.html import render_html
from rulezero.report.inside import inside_table
from rulezero.report.markdown import render_markdown
from rulezero.report.queues import queue_charts, with_backlog
from rulezero.report.sections import Section, sections

MAILS = 'queue="mails"'
SLOTS = 'resource="slots"'


def depth_at(arm: str, second: int) -> float:
    """Return a backlog that grows in the fault, from 10 to 20 s, bounded with a defence, and drains after it."""
    grown = 20.0 * max(0, min(second, 20) - 10)
    left = max(0.0, grown - 40.0 * max(0, second - 20))
    return min(left, 30.0) if arm != "none" else left


def with_queue(record: Record, *, deep: float = 1.0, arms: tuple[str, ...] = ("none", "circuit_breaker")) -> Record:
    """Return the record with a queue whose consumer fell behind; it is `deep` times as long."""
    samples: list[tuple[Any, ...]] = []
    for arm in arms:
        for second in range(1, 33):
            depth = deep * depth_at(arm, second)
            told = {
                ("checkout", "queue_depth", MAILS): depth,
                ("checkout", "queue_oldest_message_age_seconds", MAILS): depth / 40,
                ("checkout", "messages_published_total", f'{MAILS},result="accepted"'): 40.0 * second,
                ("mailer", "messages_delivered_total", f'{MAILS},redelivered="false"'): 40.0 * second,
                ("mailer", "concurrency_hold_seconds_count", SLOTS): 20.0 * second,
                ("mailer", "concurrency_hold_seconds_sum", SLOTS): second + 3.0 * max(0, min(second, 20) - 10),
                ("mailer", "concurrency_limit", SLOTS): 4.0,
            }
            samples += [(arm, second + 0.01, *key, value) for key, value in told.items()]
    metrics = pl.concat([record.metrics, pl.DataFrame(samples, schema=record.metrics.schema, orient="row")])
    windows = windows_of(record.manifest)
    figures = [
        {
            **arm,
            "queues": queues(metrics.filter(pl.col("arm") == arm["name"]), record.manifest, windows, arm["name"]),
            "yardstick": 7.0,
        }
        for arm in record.verdict["arms"]
    ]
    verdict = {**record.verdict, "arms": figures, "yardstick": "age, s", "chart": "backlog"}
    return replace(record, metrics=metrics, verdict=verdict)


def section_of(record: Record) -> Section:
    (found,) = (section for section in sections(record) if section.key == "queue-mails")
    return found


def test_each_arm_has_its_backlog_and_its_age_beside_the_law(record: Record) -> None:
    """Side by side for each arm; all arms of a measure alike in scale."""
    found = section_of(with_queue(record))
    assert [cell.heading for cell in found.cells] == [
        "none (control): messages", "none (control): age of the oldest message, s",
        "circuit_breaker: messages", "circuit_breaker: age of the oldest message, s",
    ]  # fmt: skip
    assert [line.label for line in found.legend] == ["told by the queue", "rate x t - capacity x t"]
    domains = {
        str(layer["encoding"]["y"]["scale"]["domain"])
        for cell in found.cells[::2]
        if cell.figure is not None
        for layer in cell.figure.spec["layer"]
        if "field" in layer["encoding"].get("y", {})
    }
    assert len(domains) == 1


def test_what_was_told_is_drawn(record: Record) -> None:
    """The sentence for who cannot see it says how far it went."""
    figure = section_of(with_queue(record)).cells[0].figure
    assert figure is not None
    assert figure.title == "Messages, mails, none"
    assert figure.summary == "At most 200, at 20 s."


def test_a_queue_that_was_always_empty_is_not_drawn(record: Record) -> None:
    """Nor in the table; every experiment of the shop has one."""
    quiet = with_queue(record, deep=0.01)
    assert with_backlog(quiet.metrics).is_empty()
    assert not [section for section in sections(quiet) if section.key.startswith("queue")]
    assert not any("message" in head for head in inside_table(quiet.verdict).heads)


def test_an_arm_that_told_nothing_says_so(record: Record) -> None:
    """It has no metrics, or no verdict."""
    partly = with_queue(record, arms=("none",))
    assert [cell.absent for cell in section_of(partly).cells] == [*[""] * 2, *["Nobody told of this queue."] * 2]
    unjudged = replace(partly, verdict={})
    assert section_of(unjudged).cells[0].figure is not None


def test_the_law_keeps_to_the_bound_of_the_arm(record: Record) -> None:
    """As the manifest says it was in force."""
    queued = with_queue(record)
    arms = [{**arm, "in_force": {"bounded_stream": {"max_msgs": 30}}} for arm in queued.manifest["arms"]]
    bounded = replace(queued, manifest={**queued.manifest, "arms": arms})

    def highest(one: Record) -> float:
        axes = {"none": time_axis(one.manifest, "none")}
        (figure, _) = queue_charts(one, with_backlog(one.metrics), "mails", axes, ["none"]).values()
        assert figure is not None
        values = [row["s1"] for rows in figure.spec["datasets"].values() for row in rows if "s1" in row]
        return max(float(value) for value in values if value is not None)

    assert highest(queued) == pytest.approx(200, abs=10)
    assert highest(bounded) == pytest.approx(30, abs=1)


def test_the_table_says_how_long_how_old_and_until_when(record: Record) -> None:
    """It is gone once next to nothing is left."""
    table = inside_table(with_queue(record).verdict)
    cells = {head: [row[place] for _, row in table.rows] for place, head in enumerate(table.heads)}
    assert cells["messages at the end of the fault"] == ["180", "30"]
    assert cells["age of the oldest then"] == ["4.5 s", "0.75 s"]
    assert cells["backlog gone after the fault"] == ["5.01 s", "5.01 s"]


def test_the_headline_is_the_age_of_the_oldest_message(record: Record) -> None:
    """Control against best arm, with a sentence; in every form of the report."""
    told = with_queue(record)
    figure = comparison_of(told)
    assert figure is not None
    assert figure.title == "Age of the oldest message of mails over time, seconds"
    assert "age of none (control)" in [line.label for line in figure.legend]
    assert figure.summary.startswith("Age of the oldest message with none: ")
    assert figure.title in render_html(told)
    assert figure.summary.partition(":")[0] in render_markdown(told)


def test_without_any_queue_the_headline_is_goodput(record: Record) -> None:
    """There still is a chart."""
    verdict = {**record.verdict, "chart": "backlog"}
    figure = comparison_of(replace(record, verdict=verdict))
    assert figure is not None
    assert figure.title.startswith("Goodput")
