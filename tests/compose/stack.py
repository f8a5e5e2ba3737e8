"""The real compose.yaml, up: commands to it, pages of it, numbers in its metrics."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
PROJECT = "rulezero-smoke"
UP_TIMEOUT_S = 900  # A first build fetches every package.
COMMAND_TIMEOUT_S = 120
ANSWER_TIMEOUT_S = 10
ENTRY = "http://127.0.0.1:21000"
_COPIED = (
    "compose.yaml",
    ".dockerignore",
    "requirements.lock",
    "rulezero",
    "services",
    "toxics",
    "loadtests",
    "dashboards",
)


@dataclass
class Stack:
    """A copy of what Compose needs of a checkout, so that a test may edit it."""

    folder: Path
    figures: dict[str, float] = field(default_factory=dict)

    def compose(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        return self._docker("compose", *arguments, timeout_s=timeout_s)

    def _docker(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607 - where Docker is, differs.
            cwd=self.folder,
            env={**os.environ, "COMPOSE_PROJECT_NAME": PROJECT},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def up(self) -> None:
        self.compose("build", timeout_s=UP_TIMEOUT_S)
        began_s = time.monotonic()
        try:
            self.compose("up", "--detach", "--wait", "--wait-timeout", "180", timeout_s=UP_TIMEOUT_S)
        except AssertionError as error:
            raise AssertionError(
                f"{error}\n{self.compose('ps', '--all')}\n{self.compose('logs', '--tail', '15')}"
            ) from None
        self.figures.setdefault("seconds from `up` to all healthy", time.monotonic() - began_s)

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "5")

    def environments(self) -> dict[str, list[str]]:
        """Return the variables of each container, by its service."""
        names = self.compose("ps", "--all", "--format", "{{.Name}} {{.Service}}").split()
        form = "{{range .Config.Env}}{{.}}\x1f{{end}}"
        listed = [self._docker("inspect", "--format", form, name) for name in names[::2]]
        return {
            service: sorted(text.strip("\x1f\n").split("\x1f"))
            for service, text in zip(names[1::2], listed, strict=True)
        }

    def runs(self, service: str) -> bool:
        return any(one["Service"] == service and one["State"] == "running" for one in self.containers())

    def containers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.compose("ps", "--all", "--format", "json").splitlines()]


def copied(folder: Path) -> Stack:
    """Copy what Compose needs."""
    for name in _COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return Stack(folder)


def ask(url: str, body: dict[str, Any] | None = None, method: str = "", form: str = "") -> tuple[int, str]:
    """Return the status and the text of a page; with a body or a form it is posted."""
    with requests.Session() as session:
        session.trust_env = False  # Loopback is not for the HTTP proxy of a company.
        how = method or ("GET" if body is None and not form else "POST")
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        answer = session.request(how, url, json=body, data=form or None, headers=headers, timeout=ANSWER_TIMEOUT_S)
        return answer.status_code, answer.text


def metric(port: int, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have these labels, at one admin port; 0 when there is none."""
    _, text = ask(f"http://127.0.0.1:{port}/metrics")
    total = 0.0
    for told, value in re.findall(rf"^{name}(\{{.*?\}})? (\S+)", text, re.MULTILINE):
        if all(f'{label}="{one}"' in told for label, one in labels.items()):
            total += float(value)
    return total


def until(holds: Callable[[], bool], within_s: float) -> float:
    """Return how long it took until it held; fail when it does not in time."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        if holds():
            return time.monotonic() - began_s
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s:g} s")


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    began_s = time.monotonic()
    act()
    return time.monotonic() - began_s
