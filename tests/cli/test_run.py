"""rulezero run and demo: what is asked for, what is printed where, and the exit status."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rulezero.checkout import load_experiment
from rulezero.cli import demo, main
from rulezero.cli.executing import Request
from rulezero.errors import EXIT_OF_VERDICT, EXIT_USAGE
from tests.report.synthetic_record import synthetic_record

Captured = pytest.CaptureFixture[str]
Fake = Callable[..., list[Request]]


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    """Return what lets requests end with these verdicts, one after the other, and collects them."""
    verdict = synthetic_record(tmp_path).verdict

    def install(*words: str) -> list[Request]:
        requests: list[Request] = []

        def execute(request: Request) -> tuple[Path, dict[str, Any]]:
            requests.append(request)
            request.console.print("progress")
            return tmp_path / f"runs/{len(requests)}", {**verdict, "verdict": words[len(requests) - 1]}

        def draw(record: SimpleNamespace) -> Path:
            assert len(requests) == len(words), "drawing takes memory that what is measured next would miss"
            return Path(record.folder) / "report.html"

        monkeypatch.setattr("rulezero.cli.executing.execute", execute)
        monkeypatch.setattr("rulezero.cli.executing.draw", draw)
        monkeypatch.setattr("rulezero.record.read_record", lambda folder: SimpleNamespace(folder=folder))
        return requests

    return install


@pytest.mark.parametrize("word", EXIT_OF_VERDICT)
def test_the_exit_status_is_the_verdict(executed: Fake, word: str, capsys: Captured) -> None:
    """0 supported, 1 refuted, 2 unknown; the result and the path of the report are printed."""
    executed(word)
    assert main(["run", "cascading_failure"]) == {"supported": 0, "refuted": 1, "unknown": 2}[word]
    out, err = capsys.readouterr()
    assert "runs/1/report.html" in out
    assert err == ""


def test_what_is_asked_for_is_run(executed: Fake, tmp_path: Path) -> None:
    """Arms in the order given, the seed, the folder; spaces and empty names between commas are forgiven."""
    requests = executed("supported")
    main(["run", "cascading_failure", "--arms", "all, none,", "--seed", "7", "--out", str(tmp_path), "--quiet"])
    assert [arm.name for arm in requests[0].arms] == ["all", "none"]
    assert (requests[0].seed, requests[0].out, requests[0].quiet) == (7, tmp_path, True)
    assert not requests[0].prometheus


def test_the_system_runs_where_it_is_asked_to(executed: Fake, capsys: Captured) -> None:
    """As processes unless containers are asked for; nowhere else."""
    for options, target in (([], "embedded"), (["--target", "compose"], "compose")):
        requests = executed("supported")
        main(["run", "cascading_failure", *options])
        assert requests[0].target == target
    with pytest.raises(SystemExit) as ended:
        main(["run", "cascading_failure", "--target", "cloud"])
    assert ended.value.code == EXIT_USAGE
    assert "cloud" in capsys.readouterr().err


def test_without_arms_all_are_run(executed: Fake) -> None:
    """With seed 1, into runs/."""
    requests = executed("supported")
    main(["run", "thundering_herd"])
    assert requests[0].arms == load_experiment("thundering_herd").arms
    assert (requests[0].seed, requests[0].out, requests[0].quiet) == (1, Path("runs"), False)


def test_json_is_all_that_is_printed(executed: Fake, capsys: Captured) -> None:
    """Whatever else is said goes to standard error, so that the output can be piped into a parser."""
    requests = executed("refuted")
    assert main(["run", "cascading_failure", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["verdict"] == "refuted"
    assert err == "progress\n"
    assert requests[0].quiet


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("supported", "supported"), 0),
        (("refuted", "supported"), 1),
        (("supported", "unknown"), 2),
        (("unknown", "refuted"), 2),
    ],
)
def test_the_demo_ends_with_the_worst(executed: Fake, words: tuple[str, ...], status: int, capsys: Captured) -> None:
    """Both experiments are run, whatever the first one says, each with its demo arms."""
    requests = executed(*words)
    assert main(["demo"]) == status
    assert tuple(request.experiment.name for request in requests) == demo.EXPERIMENTS
    assert [tuple(arm.name for arm in one.arms) for one in requests] == [one.experiment.demo_arms for one in requests]
    out = capsys.readouterr().out
    assert out.count("report.html") == 2
    assert [line.strip()[-len("runs/1/report.html"):] for line in out.splitlines()[-2:]] == [
        "runs/1/report.html", "runs/2/report.html",
    ]  # fmt: skip


def test_the_demo_as_json_is_one_document(executed: Fake, capsys: Captured) -> None:
    """A list of both verdicts."""
    executed("supported", "refuted")
    assert main(["demo", "--json"]) == 1
    assert [one["verdict"] for one in json.loads(capsys.readouterr().out)] == ["supported", "refuted"]


def test_prometheus_is_started_when_asked_for(executed: Fake) -> None:
    """By default it is not, since it costs CPU."""
    requests = executed("supported")
    main(["run", "cascading_failure", "--prometheus"])
    assert requests[0].prometheus


def test_a_prometheus_that_is_missing_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """One line with the remedy, the status of wrong use, no record."""
    monkeypatch.setenv("RULEZERO_PROMETHEUS", "")
    assert main(["run", "cascading_failure", "--prometheus", "--out", str(tmp_path / "runs")]) == EXIT_USAGE
    assert "prometheus is not on PATH; install it" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_an_address_of_grafana_that_is_none_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Annotations are optional, a typing error is one."""
    monkeypatch.setenv("RULEZERO_GRAFANA", "localhost")
    assert main(["run", "cascading_failure", "--out", str(tmp_path / "runs")]) == EXIT_USAGE
    assert "RULEZERO_GRAFANA=localhost is no address" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
