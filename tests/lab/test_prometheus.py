"""How the lab runs Prometheus: which program, what it scrapes, where it keeps samples."""

import shutil
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.prometheus import VARIABLE, Target, configuration, find_prometheus, server_command
from tests.lab.support import CHECKOUT
from tests.lab.test_programs import program

TARGETS = (
    Target("edge", "edge", "127.0.0.1:1"),
    Target("catalog", "catalog-1", "127.0.0.1:2"),
    Target("catalog", "catalog-2", "127.0.0.1:3"),
)


def test_where_it_is_looked_for(tmp_path: Path) -> None:
    """On PATH, or where the variable says; an empty variable switches it off, and none at all is no error."""
    on_path = {"PATH": str(program(tmp_path / "bin" / "prometheus").parent)}
    other = program(tmp_path / "other")
    assert find_prometheus({"PATH": str(tmp_path)}) is None
    assert find_prometheus(on_path) == tmp_path / "bin" / "prometheus"
    assert find_prometheus({**on_path, VARIABLE: str(other)}) == other
    assert find_prometheus({**on_path, VARIABLE: ""}) is None


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    """It is not silently passed over."""
    with pytest.raises(UsageProblem, match=f"{VARIABLE}=/nothing is no program; correct or unset it"):
        find_prometheus({"PATH": str(tmp_path), VARIABLE: "/nothing"})
    broken = program(tmp_path / "prometheus")
    broken.chmod(stat.S_IRUSR)
    with pytest.raises(UsageProblem, match="is no program"):
        find_prometheus({"PATH": str(tmp_path), VARIABLE: str(broken)})


def test_jobs_are_services_and_instances_are_processes() -> None:
    """As in containers, so that one board fits both; once a second."""
    settings = configuration(CHECKOUT, TARGETS)
    jobs = {
        job["job_name"]: {one["labels"]["instance"]: one["targets"] for one in job["static_configs"]}
        for job in settings["scrape_configs"]
    }
    assert jobs == {
        "edge": {"edge": ["127.0.0.1:1"]},
        "catalog": {"catalog-1": ["127.0.0.1:2"], "catalog-2": ["127.0.0.1:3"]},
    }
    assert set(settings["global"].values()) == {"1s"}


def test_rules_are_the_checkouts_without_their_tests(tmp_path: Path) -> None:
    """A file of promtool's tests is no rule."""
    rules = tmp_path / "dashboards" / "prometheus" / "rules"
    assert configuration(tmp_path, TARGETS)["rule_files"] == []
    rules.mkdir(parents=True)
    for name in ("slo.yaml", "slo_test.yaml", "notes.txt"):
        (rules / name).write_text("", encoding="utf-8")
    assert configuration(tmp_path, TARGETS)["rule_files"] == [str(rules / "slo.yaml")]


def test_everything_it_opens_is_loopback_and_bounded() -> None:
    """Its page, its samples."""
    command = server_command(Path("/bin/prometheus"), Path("/lab/p.json"), Path("/lab/samples"), 9090)
    assert command[:2] == ["/bin/prometheus", "--config.file=/lab/p.json"]
    assert "--web.listen-address=127.0.0.1:9090" in command
    assert "--storage.tsdb.path=/lab/samples" in command
    assert {option.partition("=")[0] for option in command if "retention" in option} == {
        "--storage.tsdb.retention.time", "--storage.tsdb.retention.size",
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("promtool") is None, reason="NOT RUN: promtool is not on PATH")
def test_prometheus_accepts_the_configuration(tmp_path: Path) -> None:
    """With the rules of the checkout."""
    file = tmp_path / "prometheus.json"
    file.write_bytes(msgspec.json.encode(configuration(CHECKOUT, TARGETS)))
    done = subprocess.run(
        ["promtool", "check", "config", str(file)],  # noqa: S607 - whichever is on PATH, as the test says.
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
