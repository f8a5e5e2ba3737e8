"""The campaign of predictions: what it takes from records, what it runs again, and the page it prints."""

import subprocess
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from campaigns.predictions import __main__ as campaign
from campaigns.predictions.found import Run, Told, found_in
from campaigns.predictions.page import page
from rulezero.checkout import fingerprint

ROOT = Path(__file__).parents[2]
NAME = "retry_depth"
HOST = {"cores": 2, "platform": "Linux", "python": "3.11"}


def told(**changes: Any) -> Told:
    parts = {"arm": "none", "name": "attempts", "formula": "n^d", "predicted": 20.0, "measured": 22.0}
    return cast("Told", {**parts, "band": 0.25, "within": True, **changes})


def run(**changes: Any) -> Run:
    parts = {"experiment": NAME, "seed": 1, "verdict": "supported", "invalid_reasons": [], "host": HOST}
    return cast("Run", {**parts, "predictions": [told()], **changes})


def record(out: Path, time: str, *, arms: tuple[str, ...] = ("none",), definition: str = "", **changes: Any) -> None:
    folder = out / f"{time}-{NAME}"
    folder.mkdir(parents=True)
    manifest = {"experiment": NAME, "host": HOST, "definition": definition or fingerprint(NAME)}
    prediction = {key: value for key, value in told().items() if key != "arm"}
    verdict = {
        "experiment": NAME,
        "seed": 1,
        "verdict": "supported",
        "invalid_reasons": [],
        "arms": [{"name": name, "predictions": [prediction]} for name in arms],
        "arms_defined": ["none"],
        **changes,
    }
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    (folder / "verdict.json").write_bytes(orjson.dumps(verdict))


def test_the_last_whole_record_of_each_seed_counts(tmp_path: Path) -> None:
    """Not one of other arms, nor of what the experiment was before."""
    record(tmp_path, "1", verdict="refuted")
    record(tmp_path, "2")
    record(tmp_path, "3", definition="0" * 64, verdict="refuted")
    record(tmp_path, "4", arms=(), verdict="refuted")
    record(tmp_path, "5", seed=2, verdict="unknown")
    assert found_in(tmp_path) == [run(), run(seed=2, verdict="unknown")]


def test_a_row_is_one_form_over_all_seeds() -> None:
    """The mean of both, the ratios from least to greatest, the band, and how often it was within."""
    shown = page([run(), run(seed=2, predictions=[told(predicted=10.0, measured=8.0), told(arm="all")])])
    assert f"| `{NAME}` | `none` | attempts | 15 | 15 | 0.80 to 1.10 | 0.75 to 1.25 | 2 of 2 |" in shown
    assert f"| `{NAME}` | `all` | attempts | 20 | 22 | 1.10 | 0.75 to 1.25 | 1 of 1 |" in shown
    assert "2 runs, with the seeds 1, 2; 2 supported, 0 invalid" in shown


def test_what_could_not_be_measured_is_no_number() -> None:
    """Nor within."""
    shown = page([run(verdict="unknown", predictions=[told(measured=None, within=None)])])
    assert f"| `{NAME}` | `none` | attempts | 20 | - | - | 0.75 to 1.25 | 0 of 1 |" in shown


def test_an_invalid_run_is_named_and_counts_in_no_row() -> None:
    """Its figures say nothing."""
    shown = page(
        [run(), run(seed=2, verdict="unknown", invalid_reasons=["no cores"], predictions=[told(measured=1.0)])]
    )
    assert f"- {NAME}, seed 2: no cores" in shown
    assert "| 20 | 22 | 1.10 | 0.75 to 1.25 | 1 of 1 |" in shown


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Run nothing, but note what would be, and write to nowhere."""
    commands: list[list[str]] = []

    def fake(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        record(tmp_path / "out", f"9{len(commands)}", seed=int(command[command.index("--seed") + 1]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", fake)
    monkeypatch.setattr(campaign, "KEPT", tmp_path / "kept.json")
    monkeypatch.setattr(campaign, "PAGE", tmp_path / "page.md")
    return commands


def test_only_what_is_missing_is_run(asked: list[list[str]], tmp_path: Path) -> None:
    """A seed that is there already is not run again; one that was invalid is. The page is of all."""
    out = tmp_path / "out"
    record(out, "1")
    record(out, "2", seed=2, verdict="unknown", invalid_reasons=["no cores"])
    status = campaign.main(["--seeds", "3", "--experiments", NAME, "--out", str(out)])
    assert [command[command.index("--seed") + 1] for command in asked] == ["2", "3"]
    assert status == 0
    assert "1, 2, 3; 3 supported, 0 invalid" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_run_that_does_not_start_ends_it(
    asked: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one line; what was measured stays."""
    record(tmp_path / "out", "1")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 69))
    with pytest.raises(SystemExit, match="2"):
        campaign.main(["--experiments", NAME, "--out", str(tmp_path / "out")])
    assert f"{NAME} could not be run (exit 69)" in capsys.readouterr().err
    assert orjson.loads((tmp_path / "kept.json").read_bytes()) == {"runs": [run()]}
    assert not asked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0"], "--seeds must be 1 to 100"),
        (["--experiments", "nun"], "no experiment that predicts: nun"),
        (["--experiments", "no_fault"], "no experiment that predicts: no_fault"),
        (["--markdown"], "nothing was measured yet"),
    ],
)
def test_wrong_use(asked: list[list[str]], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and nothing is run."""
    with pytest.raises(SystemExit, match="2"):
        campaign.main(arguments)
    assert said in capsys.readouterr().err
    assert not asked


def test_docs_are_what_was_measured() -> None:
    """docs/predictions.md is printed from the runs that are kept."""
    kept = orjson.loads((ROOT / campaign.KEPT).read_bytes())
    assert (ROOT / campaign.PAGE).read_text(encoding="utf-8") == page(kept["runs"])
