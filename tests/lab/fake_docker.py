"""A `docker` that runs nothing: it keeps a list of containers in a file, and writes down what it was asked."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import fake_docker_program

PORTS = {
    "toxiproxy": [8474, 21000],
    "primary": [5432],
    "standby": [5432],
    "cache": [6379],
    "queue": [4222],
    "prometheus": [9090],
    "grafana": [3000],
    "tempo": [4318],
    "locust": [8089],
    "edge": [9100],
    "payment": [9100],
}
PROJECT = "toy"

_PROGRAM = f'#!/bin/sh\nexec {sys.executable} -SE {Path(fake_docker_program.__file__)} "$@"\n'


class FakeDocker:
    """Its folder, from the test's side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def asked(self) -> list[list[str]]:
        path = self.folder / "asked"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def said(self, *words: str) -> list[list[str]]:
        """Return the commands that have all these words."""
        return [command for command in self.asked if set(words) <= set(command)]

    def containers(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads((self.folder / "containers").read_text(encoding="utf-8"))
        return found

    def tell_end(self, name: str, status: int, identity: str = "") -> None:
        """Let a container end by itself; with another identity, one that had the name before."""
        told = identity or self.containers()[name]["id"]
        fake_docker_program.end(self.folder, name, told, status)

    def refuse(self, word: str, line: str) -> None:
        """Fail every command that has this word."""
        (self.folder / "refuse").write_text(json.dumps([word, line]), encoding="utf-8")


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ports: dict[str, dict[int, int]] | None = None
) -> FakeDocker:
    """Put it first on PATH, with every container running; `ports` are where some are published."""
    bin_folder, state = folder / "bin", folder / "docker"
    bin_folder.mkdir()
    state.mkdir()
    program = bin_folder / "docker"
    program.write_text(_PROGRAM, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_DOCKER", str(state))
    services = {
        name: {
            "image": f"image-of-{name}:1",
            "ports": [
                {"target": target, "published": str((ports or {}).get(name, {}).get(target, 1)), "host_ip": "127.0.0.1"}
                for target in targets
            ],
        }
        for name, targets in PORTS.items()
    }
    (state / "file").write_text(json.dumps({"name": PROJECT, "services": services}), encoding="utf-8")
    running = {name: {"id": f"{name}-1", "pid": 1000 + number} for number, name in enumerate(PORTS)}
    (state / "containers").write_text(json.dumps(running), encoding="utf-8")
    (state / "events").touch()
    return FakeDocker(state)
