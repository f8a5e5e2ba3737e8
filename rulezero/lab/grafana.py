"""How the lab runs Grafana, where there is one: the checkout's boards, nothing downloaded, nobody has to log in."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rulezero.errors import UsageProblem
from rulezero.lab.ports import LOOPBACK

VARIABLE = "RULEZERO_GRAFANA_SERVER"
PROVISIONING = Path("dashboards/grafana/provisioning")
BOARDS = Path("dashboards/grafana/json")
_NAMES = ("grafana", "grafana-server")
_HOMES = (Path("/usr/share/grafana"), Path("/opt/homebrew/opt/grafana/share/grafana"))
_DEFAULTS = Path("conf/defaults.ini")  # Without this file of its own it does not start.
_NO_TEMPO = f"http://{LOOPBACK}:3200"


@dataclass(frozen=True, slots=True)
class GrafanaProgram:
    """The server and the folder of what it was installed with."""

    program: Path
    home: Path


def find_grafana(environment: Mapping[str, str] = os.environ) -> GrafanaProgram | None:
    """Return the Grafana to use, None where there is none, or the variable for it is empty.

    Raises:
        UsageProblem: The variable names no program, or one without the files that it needs.

    """
    named = environment.get(VARIABLE)
    if named == "":
        return None
    for name in (named,) if named else _NAMES:
        found = shutil.which(name, path=environment.get("PATH"))
        home = next((home for home in _homes(Path(found)) if (home / _DEFAULTS).is_file()), None) if found else None
        if found and home:
            return GrafanaProgram(Path(found), home)
    if named:
        raise UsageProblem(f"{VARIABLE}={named} is no program with Grafana's files beside it; correct or unset it")
    return None


def server_command(grafana: GrafanaProgram) -> list[str]:
    """Return the command of a server."""
    verb = [] if grafana.program.name == "grafana-server" else ["server"]
    return [str(grafana.program), *verb, "--homepath", str(grafana.home)]


def environment(root: Path, data: Path, port: int, prometheus: str) -> dict[str, str]:
    """Return the settings of a server of the checkout's boards, as variables; `prometheus` is "host:port"."""
    return {
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(root / PROVISIONING),
        "GF_LOG_MODE": "console",
        "GF_LOG_LEVEL": "warn",
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Editor",  # A viewer may not follow an exemplar to its trace.
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(root / BOARDS / "overview.json"),
        "GF_DASHBOARDS_MIN_REFRESH_INTERVAL": "1s",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "RULEZERO_PROMETHEUS_URL": f"http://{prometheus}",
        "RULEZERO_TEMPO_URL": _NO_TEMPO,
        "RULEZERO_BOARDS": str(root / BOARDS),
    }


def _homes(program: Path) -> Iterator[Path]:
    yield program.resolve().parent.parent
    yield from _HOMES
