"""What a gate reads: verdict.json, series.json, and the baseline that somebody kept."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from rulezero.analysis.snapshot import encode, read_snapshot
from rulezero.errors import UsageProblem
from rulezero.series import Arms, Entry, Series, write_series


def verdict(**changes: Any) -> dict[str, Any]:
    arms = [{"name": "none", "measures": {"goodput": 0.4, "recovery_s": None}, "more": 1}]
    return {
        "experiment": "e", "valid": True, "invalid_reasons": [], "validity": [], "arms": arms, "seed": 1, **changes
    }  # fmt: skip


def entry(number: int, arms: Arms, *, valid: bool = True) -> Entry:
    return Entry(
        key=str(number), record=f"r{number}", seed=number, order=list(arms), valid=valid,
        reasons=[] if valid else ["late"], arms=arms, yardsticks={},
    )  # fmt: skip


def series(*entries: Entry, kind: str = "ab", **asked: Any) -> Series:
    told: dict[str, Any] = {
        "control": "none", "treatments": ["a"], "pairs": max(1, sum(each.valid for each in entries)), "seed": 1,
        "yardstick": None, "definition": "d" * 64, "target": "embedded", **asked,
    }  # fmt: skip
    return Series(
        kind=kind, experiment="e", reproduce="", asked=told, host={}, started_at="", entries=list(entries)
    )  # fmt: skip


def test_a_record_and_its_verdict_are_the_same(tmp_path: Path) -> None:
    """The folder or the file; an invalid run keeps its reasons."""
    (tmp_path / "verdict.json").write_text(json.dumps(verdict()))
    snapshot = read_snapshot(tmp_path)
    assert snapshot == read_snapshot(tmp_path / "verdict.json")
    assert (snapshot.arms, snapshot.runs, snapshot.reasons) == ({"none": {"goodput": 0.4, "recovery_s": None}}, 1, [])
    (tmp_path / "verdict.json").write_text(json.dumps(verdict(valid=False, invalid_reasons=["late"])))
    assert read_snapshot(tmp_path).reasons == ["late"]


def test_a_series_is_the_mean_of_its_valid_runs(tmp_path: Path) -> None:
    """A measure that one run could not tell is not told: its mean over the others would flatter."""
    write_series(
        tmp_path,
        series(
            entry(1, {"a": {"goodput": 0.8, "p99_hold_ms": 10.0}}),
            entry(2, {"a": {"goodput": 0.6, "p99_hold_ms": None}}),
            entry(3, {"a": {"goodput": 0.0, "p99_hold_ms": 0.0}}, valid=False),
        ),
    )
    snapshot = read_snapshot(tmp_path)
    assert snapshot.arms == {"a": {"goodput": pytest.approx(0.7), "p99_hold_ms": None}}
    assert snapshot.runs == 2
    assert snapshot == read_snapshot(tmp_path / "series.json")


def test_a_series_without_a_valid_run_says_nothing(tmp_path: Path) -> None:
    """And one of another verb is not averaged at all."""
    write_series(tmp_path, series(entry(1, {"a": {"goodput": 0.8}}, valid=False)))
    assert read_snapshot(tmp_path).reasons == ["the series has no valid run"]
    write_series(tmp_path, series(kind="sweep"))
    with pytest.raises(UsageProblem, match="made by `rulezero sweep`"):
        read_snapshot(tmp_path)


def test_a_kept_baseline_is_read_as_it_was(tmp_path: Path) -> None:
    """What --save writes; keys in order, so that a diff shows what changed."""
    (tmp_path / "verdict.json").write_text(json.dumps(verdict()))
    snapshot = read_snapshot(tmp_path)
    kept = tmp_path / "baseline.json"
    kept.write_text(encode(snapshot))
    assert read_snapshot(kept) == snapshot
    assert encode(read_snapshot(kept)) == kept.read_text()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "{}", '"entries"', '{"entries": 1}', '{"validity": []}', "[" * 5000, "\x00",
     json.dumps(verdict(arms=[{"name": "none"}])), '{"experiment": "e", "runs": 1, "arms": {"a": {"goodput": "x"}}}'],
)  # fmt: skip
def test_what_is_none_of_these_is_one_problem(tmp_path: Path, content: str) -> None:
    """Of a verdict of an older program, too, which has no measures."""
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(UsageProblem, match=r"x\.json holds no measures"):
        read_snapshot(path)


def test_nothing_there(tmp_path: Path) -> None:
    """A folder that is no record, and a file that is not there."""
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(UsageProblem, match="No such file"):
            read_snapshot(path)


def test_a_record_tells_what_it_was_measured_by(tmp_path: Path) -> None:
    """Its manifest does, beside the verdict; a verdict that was copied alone does not."""
    (tmp_path / "verdict.json").write_text(json.dumps(verdict()))
    assert (read_snapshot(tmp_path).definition, read_snapshot(tmp_path).target) == (None, None)
    (tmp_path / "manifest.json").write_text(json.dumps({"definition": "d", "target": "compose", "seed": 1}))
    snapshot = read_snapshot(tmp_path)
    assert (snapshot.definition, snapshot.target) == ("d", "compose")
    assert snapshot == read_snapshot(tmp_path / "verdict.json")
    kept = tmp_path / "baseline.json"
    kept.write_text(encode(snapshot))
    assert read_snapshot(kept) == snapshot


@pytest.mark.parametrize("content", ["", "[]", '{"target": 1}', "[" * 5000])
def test_a_broken_manifest_is_one_problem(tmp_path: Path, content: str) -> None:
    """Named by its own name."""
    (tmp_path / "verdict.json").write_text(json.dumps(verdict()))
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UsageProblem, match=r"manifest\.json is no manifest"):
        read_snapshot(tmp_path)


def test_a_series_tells_what_it_was_measured_by(tmp_path: Path) -> None:
    """It was asked for it; one that somebody cut is told."""
    whole = series(entry(1, {"a": {"goodput": 0.8}}), target="compose")
    write_series(tmp_path, whole)
    assert (read_snapshot(tmp_path).definition, read_snapshot(tmp_path).target) == ("d" * 64, "compose")
    del whole.asked["definition"]
    write_series(tmp_path, whole)
    with pytest.raises(UsageProblem, match="does not say what was asked"):
        read_snapshot(tmp_path)


def test_a_series_that_is_not_over_says_nothing(tmp_path: Path) -> None:
    """Fewer valid pairs than were asked for, unless it ended early because the answer was clear."""
    alike = [entry(number, {"none": {"goodput": 0.4}, "a": {"goodput": 0.9}}) for number in range(1, 5)]
    write_series(tmp_path, series(*alike[:3], pairs=8))
    assert read_snapshot(tmp_path).reasons == [
        "the series has 3 of 8 valid pairs and no clear answer; go on with --resume"
    ]
    write_series(tmp_path, series(*alike, pairs=8))
    assert (read_snapshot(tmp_path).reasons, read_snapshot(tmp_path).runs) == ([], 4)
    write_series(tmp_path, series(*alike[:3], pairs=3))
    assert read_snapshot(tmp_path).reasons == []


@pytest.mark.parametrize("asked", ["is_dir", "exists", "read_bytes"])
def test_a_folder_that_one_may_not_enter(tmp_path: Path, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever notices first."""

    def denied(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, asked, denied)
    with pytest.raises(UsageProblem, match=r"Permission denied; name a record"):
        read_snapshot(tmp_path)
