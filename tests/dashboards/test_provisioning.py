"""What Grafana, Prometheus and Tempo load: the same names everywhere."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from dashboards.grafana_json import JSON
from rulezero.lab import grafana, observability
from rulezero.lab.prometheus import RULES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "dashboards"


def read(path: str) -> Any:
    return yaml.safe_load((FOLDER / path).read_text("utf-8"))


def test_sources_are_those_that_boards_and_traces_name() -> None:
    """Prometheus and Tempo, found by variables, each leading to the other."""
    sources = {one["uid"]: one for one in read("grafana/provisioning/datasources/datasources.yaml")["datasources"]}
    assert set(sources) == {"prometheus", "tempo"}
    assert sources["prometheus"]["jsonData"]["timeInterval"] == "1s"
    assert sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"][0]["datasourceUid"] == "tempo"
    assert sources["tempo"]["jsonData"]["tracesToMetrics"]["datasourceUid"] == "prometheus"


def test_dollar_signs_are_variables_or_doubled() -> None:
    """Grafana fills variables in: one that it does not know would be gone."""
    for path in (FOLDER / "grafana/provisioning").rglob("*.yaml"):
        text = path.read_text("utf-8").replace("$$", "")
        assert set(re.findall(r"\$\{?(\w*)", text)) <= {
            "RULEZERO_PROMETHEUS_URL", "RULEZERO_TEMPO_URL", "RULEZERO_BOARDS"
        }, path  # fmt: skip


def test_the_lab_gives_grafana_all_that_the_files_ask_for() -> None:
    """The lab without containers provisions the same files."""
    asked = set()
    for path in (FOLDER / "grafana/provisioning").rglob("*.yaml"):
        asked |= set(re.findall(r"\$\{(\w+)\}", path.read_text("utf-8")))
    given = grafana.environment(ROOT, Path("data"), 3000, "127.0.0.1:9090")
    assert asked <= set(given)
    assert Path(given["RULEZERO_BOARDS"]) == JSON
    assert Path(given["GF_PATHS_PROVISIONING"]) == FOLDER / "grafana/provisioning"
    assert Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()


def test_every_service_is_scraped_under_its_name() -> None:
    """The job is the service, and each of its processes is asked."""
    shop = tomllib.loads((ROOT / "services/lab.toml").read_text("utf-8"))
    wanted: dict[str, set[str]] = {}
    for service in shop["service"]:
        wanted.setdefault(service.get("service", service["name"]), set()).add(f"{service['name']}:9100")
    jobs = {job["job_name"]: job for job in read("prometheus/prometheus.yaml")["scrape_configs"]}
    for name, addresses in wanted.items():
        assert {target for one in jobs[name]["static_configs"] for target in one["targets"]} == addresses
    assert set(jobs) - set(wanted) == {"loadgen", "runner", "toxiproxy", "prometheus"}


def test_ports_are_those_that_generator_and_runner_serve_at() -> None:
    """By hand in a container, and from a run on the host."""
    jobs = {job["job_name"]: job for job in read("prometheus/prometheus.yaml")["scrape_configs"]}
    ports = {"loadgen": observability.LOADGEN_PORT, "runner": observability.RUNNER_PORT}
    for name, port in ports.items():
        (config,) = jobs[name]["static_configs"]
        assert {target.rpartition(":")[2] for target in config["targets"]} == {str(port)}


def test_rules_lie_where_both_doors_look() -> None:
    """One folder, with nothing but rules in it."""
    assert read("prometheus/prometheus.yaml")["rule_files"] == ["rules/*.yaml"]
    assert (ROOT / RULES).is_dir()
    for path in (ROOT / RULES).iterdir():
        assert "groups" in read(f"prometheus/rules/{path.name}")


def test_tempo_shows_the_newest_spans() -> None:
    """By default it hides the last half minute."""
    tempo = read("tempo/tempo.yaml")
    assert tempo["query_frontend"]["query_end_cutoff"] == "0s"
    assert tempo["live_store"]["fail_on_high_lag"] is False
    assert tempo["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
