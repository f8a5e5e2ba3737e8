"""The small form of a record."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from rulezero.errors import StorageProblem, UsageProblem
from rulezero.record import Record, read_record
from rulezero.report import keep as keep_module
from rulezero.report.headline import comparison_of
from rulezero.report.html import render_html
from rulezero.report.keep import TRACES_PER_ARM, keep


def test_what_is_kept_draws_the_same(record: Record, tmp_path: Path) -> None:
    """The same chart from less: few traces, no operation ids, no histogram buckets, same manifest and verdict."""
    bucket = record.metrics.head(1).with_columns(name=pl.lit("x_seconds_bucket"))
    kept = read_record(keep(replace(record, metrics=pl.concat([record.metrics, bucket])), tmp_path / "kept"))
    before, after = comparison_of(record), comparison_of(kept)
    assert before is not None
    assert after is not None
    assert before.spec == after.spec
    assert kept.verdict == record.verdict
    assert kept.metrics.height == record.metrics.height
    traces = kept.spans.group_by("arm").agg(pl.col("trace_id").n_unique())
    assert 0 < traces.get_column("trace_id").max() <= 2 * TRACES_PER_ARM + 3  # type: ignore[operator]  # A count.
    assert set(kept.rows.get_column("trace_id").unique()) == {"", *kept.spans.get_column("trace_id").unique()}
    assert kept.manifest["kept_traces"] == kept.spans.select("arm", "trace_id").n_unique()
    assert kept.rows.height == record.rows.height


def test_the_chosen_traces_are_kept(record: Record, tmp_path: Path) -> None:
    """The slowest answer is the same one."""
    kept = render_html(read_record(keep(record, tmp_path / "kept")))
    whole = render_html(record)
    slowest = whole[whole.index("The slowest answer") :].partition("</h3>")[0]
    assert slowest in kept


def test_it_is_written_over_what_was_there(record: Record, tmp_path: Path) -> None:
    """One command replaces the committed record by a newer one."""
    keep(record, tmp_path / "kept")
    keep(replace(record, verdict={**record.verdict, "seed": 7}), tmp_path / "kept")
    assert read_record(tmp_path / "kept").verdict["seed"] == 7


def test_what_cannot_be_kept_is_told(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record over itself, one without a verdict, one that is too big, a place that takes none."""
    with pytest.raises(UsageProblem, match="is the record itself"):
        keep(replace(record, folder=tmp_path), tmp_path)
    with pytest.raises(UsageProblem, match="first: rulezero report"):
        keep(replace(record, verdict={}), tmp_path / "kept")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(StorageProblem, match="choose another --keep"):
        keep(record, tmp_path / "file")
    monkeypatch.setattr(keep_module, "BYTES_MAX", 10)
    with pytest.raises(UsageProblem, match="too much to commit"):
        keep(record, tmp_path / "kept")
