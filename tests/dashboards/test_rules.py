"""The generated rules, by Prometheus' own tools: they load, and they fire when they should and not before."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dashboards.rules import RULES, rule_files
from dashboards.slo import TIERS, read_promises

HERE = Path(__file__).parent
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="not run: promtool is not on PATH (package prometheus)")


def promtool(*arguments: str, folder: Path = HERE) -> str:
    """Return what promtool says; it must be content."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
@pytest.mark.wall_clock
def test_prometheus_loads_the_rules() -> None:
    """Every file, and the linter finds no two rules that record the same."""
    promtool("check", "rules", "--lint=all", "--lint-fatal", *(str(path) for path in sorted(RULES.glob("*.yaml"))))


@needs_promtool
@pytest.mark.wall_clock
@pytest.mark.parametrize("file", ["slo_rules.yaml", "queue_rules.yaml"])
def test_rules_say_what_they_should(file: str) -> None:
    """Outages page in time, young runs do not, late and unsent requests count; a dead worker has no capacity."""
    assert "SUCCESS" in promtool("test", "rules", file)


@needs_promtool
@pytest.mark.wall_clock
def test_prometheus_loads_its_configuration() -> None:
    """The file that the container gets, with the rules beside it."""
    promtool("check", "config", "prometheus.yaml", folder=RULES.parent)


def test_every_promise_has_every_window() -> None:
    """And a budget, an objective and a burn rate."""
    promises = read_promises()
    groups = {
        group["name"]: group["rules"] for group in yaml.safe_load(rule_files(promises)[RULES / "slo.yaml"])["groups"]
    }
    for slo in promises.slos:
        windows = {rule["labels"].get("window") for rule in groups[f"slo-{slo.name}"]}
        assert windows == {None, "5s", "30s", "1m", "6m"}
    assert len(groups["slo-alerts"]) == len(TIERS)


def test_pages_wait_for_their_window() -> None:
    """The guard of a cold start is as long as the window that it guards."""
    text = rule_files(read_promises())[RULES / "slo.yaml"]
    assert 'window="1m"} > 14.4 and on (slo) slo:burn_rate:ratio{window="5s"} > 14.4' in text
    assert "max(loadgen_run_seconds) >= 60" in text
    assert "max(loadgen_run_seconds) >= 360" in text
