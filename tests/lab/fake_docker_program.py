"""What a fake `docker` does with one command. It starts often, so it imports little; `fake_docker.py` installs it."""

import json
import os
import sys
from pathlib import Path
from typing import Any

HOST = "192.0.2.77"  # No address of this machine: the engine is in a virtual one.


def main(arguments: list[str]) -> None:
    """Do what one command would; `events` runs for ever."""
    folder = Path(os.environ["FAKE_DOCKER"])
    with (folder / "asked").open("a", encoding="utf-8") as asked:
        asked.write(json.dumps(arguments) + "\n")
    if (folder / "refuse").exists():
        word, line = json.loads((folder / "refuse").read_text(encoding="utf-8"))
        if word in arguments:
            sys.exit(f"something before\n{line}")
    if arguments[0] == "events":
        os.execvp("tail", ["tail", "--follow", "--lines=0", str(folder / "events")])  # noqa: S606, S607 - a test's.
    if arguments[0] == "compose":
        _compose(folder, arguments)
    else:
        _plain(folder, arguments)


def _compose(folder: Path, arguments: list[str]) -> None:
    containers = _containers(folder)
    names = [name for name in containers if name in arguments]
    if "config" in arguments:
        sys.stdout.write((folder / "file").read_text(encoding="utf-8"))
    elif "exec" in arguments:
        sys.stdout.write(f"127.0.0.1 localhost\n{HOST} host.docker.internal\n")
    elif "version" in arguments:
        sys.stdout.write("2.40.1\n")
    elif "stop" in arguments:
        for name in names:
            end(folder, name, containers[name]["id"], 0)
    elif "up" in arguments:
        overrides = [Path(word) for word in arguments if word.endswith("override.json")]
        for path in overrides:
            (folder / "override.json").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        for name in names:
            if overrides and containers[name]["pid"]:
                end(folder, name, containers[name]["id"], 0)
        for name in names:
            number = int(containers[name]["id"].rpartition("-")[2]) + 1
            containers[name] = {"id": f"{name}-{number}", "pid": 2000 + number}
        (folder / "containers").write_text(json.dumps(containers), encoding="utf-8")


def _plain(folder: Path, arguments: list[str]) -> None:
    containers = _containers(folder)
    names = {one["id"]: name for name, one in containers.items()}
    if arguments[0] == "ps":
        lines = list(names) if "--quiet" in arguments else []
        lines = lines or [f"{name} {'running' if one['pid'] else 'exited'}" for name, one in containers.items()]
        sys.stdout.write("\n".join(lines) + "\n")
    elif arguments[0] == "inspect":
        for identity in arguments[3:]:
            sys.stdout.write(f"{identity} {containers[names[identity]]['pid']} {names[identity]}\n")
    elif arguments[0] == "kill":
        end(folder, names[arguments[-1]], arguments[-1], 137)
    elif arguments[0] == "start":
        containers[names[arguments[-1]]]["pid"] = 3000
        (folder / "containers").write_text(json.dumps(containers), encoding="utf-8")
    elif arguments[0] == "logs":
        sys.stdout.write(f"{arguments[-1]} begins\n")
        sys.stderr.write("fatal: it is over\n")
    elif arguments[0] == "version":
        sys.stdout.write("29.1.0\n")
    elif arguments[0] == "info":
        sys.stdout.write((folder / "info").read_text(encoding="utf-8"))


def end(folder: Path, name: str, identity: str, status: int) -> None:
    containers = _containers(folder)
    if containers[name]["id"] == identity:
        containers[name]["pid"] = 0
        (folder / "containers").write_text(json.dumps(containers), encoding="utf-8")
    attributes = {"com.docker.compose.service": name, "exitCode": str(status)}
    with (folder / "events").open("a", encoding="utf-8") as events:
        events.write(json.dumps({"Action": "die", "Actor": {"ID": identity, "Attributes": attributes}}) + "\n")


def _containers(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((folder / "containers").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
