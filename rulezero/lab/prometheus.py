"""How the lab runs Prometheus, where there is one: every process once a second, samples on disk within bounds."""

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rulezero.errors import UsageProblem
from rulezero.lab.ports import LOOPBACK

VARIABLE = "RULEZERO_PROMETHEUS"
RULES = Path("dashboards/prometheus/rules")
# One core: what is measured needs the others.
ENVIRONMENT = {"GOMAXPROCS": "1"}
_RETENTION = ("2d", "512MB")


@dataclass(frozen=True, slots=True)
class Target:
    """One process to ask: the job is its service, the instance its name, the address "host:port"."""

    job: str
    instance: str
    address: str


def find_prometheus(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the Prometheus to use, None where there is none, or the variable for it is empty.

    Raises:
        UsageProblem: The variable names no program.

    """
    named = environment.get(VARIABLE)
    if named == "":
        return None
    found = shutil.which(named or "prometheus", path=environment.get("PATH"))
    if found is None and named:
        raise UsageProblem(f"{VARIABLE}={named} is no program; correct or unset it")
    return Path(found) if found else None


def server_command(program: Path, configuration: Path, data: Path, port: int) -> list[str]:
    """Return the command of a server that keeps its samples in the folder `data`, or shows those of before."""
    time, size = _RETENTION
    return [
        str(program),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data}",
        f"--storage.tsdb.retention.time={time}",
        f"--storage.tsdb.retention.size={size}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]


def configuration(root: Path, targets: Iterable[Target]) -> dict[str, Any]:
    """Return what it is to scrape, and the checkout's rules. JSON is YAML."""
    jobs: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        labels = {"instance": target.instance}
        jobs.setdefault(target.job, []).append({"targets": [target.address], "labels": labels})
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in sorted((root / RULES).glob("*.yaml")) if not path.stem.endswith("_test")],
        "scrape_configs": [{"job_name": job, "static_configs": configs} for job, configs in jobs.items()],
    }
