"""The generated rules, by Prometheus' own tools: they load, and they fire when they should and not before."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dashboards.queries import queue
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
    """Outages page in time, young runs do not, each arm for itself, late and unsent requests count; and the queue's."""
    assert "SUCCESS" in promtool("test", "rules", file)


@needs_promtool
@pytest.mark.wall_clock
def test_a_queue_drains_by_how_fast_it_falls(tmp_path: Path) -> None:
    """Depth over its fall; no line while it grows, whatever its rates say, nor while it stands still."""
    asked = [(8, []), (17, [{"labels": "{}", "value": 3}]), (28, [])]
    case = {
        "interval": "1s",
        "input_series": [{"series": 'queue_depth{queue="mails"}', "values": "0+20x10 180-20x6 60+0x20"}],
        "promql_expr_test": [
            {"expr": f"round({queue.DRAIN_TIME})", "eval_time": f"{at_s}s", "exp_samples": samples}
            for at_s, samples in asked
        ],
    }
    file = tmp_path / "drain.yaml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1s", "tests": [case]}), encoding="utf-8")
    assert "SUCCESS" in promtool("test", "rules", str(file))


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
