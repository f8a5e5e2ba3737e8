"""The rules of compose.yaml that need no Docker: limits, ports, mounts, tags, and the same names as everywhere else."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rulezero.lab import cache, postgres, queue
from rulezero.lab.description import PROGRAM_PARTS

ROOT = Path(__file__).parents[2]
LINES_MAX, CONTAINERS_MAX, MEMORY_MAX_MB = 250, 16, 2500
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
PARTS: dict[str, dict[str, Any]] = FILE["services"]
SHOP = tomllib.loads((ROOT / "services/lab.toml").read_text(encoding="utf-8"))
LINKS: list[dict[str, Any]] = json.loads((ROOT / "toxics/links.json").read_text(encoding="utf-8"))
SERVICES = {one["name"]: one for one in SHOP["service"]}
OURS = [*SERVICES, "locust"]
WATCHERS = {"prometheus", "tempo", "grafana"}
CONFIGURATION = ROOT / "services/compose"
# They differ by where they listen, and in segments of 16 MB, of which two must fit.
OWN_POSTGRES_SETTINGS = {"listen_addresses", "unix_socket_directories", "min_wal_size"}

each_part = pytest.mark.parametrize("name", PARTS)
each_service = pytest.mark.parametrize("name", SERVICES)


def test_the_file_can_be_read_in_one_go() -> None:
    """Few lines, few containers, no key that Compose calls obsolete."""
    assert len(TEXT.splitlines()) <= LINES_MAX
    assert len(PARTS) <= CONTAINERS_MAX
    assert "version" not in FILE


def test_the_containers_are_the_lab_and_what_watches_it() -> None:
    """The parts have the names that links, metrics and experiments know."""
    assert set(PARTS) == {*SERVICES, *PROGRAM_PARTS, "locust", *WATCHERS}


@each_part
def test_every_container_is_bounded(name: str) -> None:
    """In memory and in CPU, which a machine of two cores can give."""
    limits = PARTS[name]["deploy"]["resources"]["limits"]
    assert re.fullmatch(r"[0-9]+M", limits["memory"])
    assert 0 < float(limits["cpus"]) <= 2


def test_the_limits_fit_a_small_machine() -> None:
    """All of them together."""
    assert sum(int(part["deploy"]["resources"]["limits"]["memory"][:-1]) for part in PARTS.values()) <= MEMORY_MAX_MB


@each_part
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    """The databases ask for no password."""
    for port in PARTS[name].get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:[0-9]+:[0-9]+", port)


def test_no_port_is_published_twice() -> None:
    """One of the two containers would not start."""
    ports = [port.split(":")[1] for part in PARTS.values() for port in part.get("ports", ())]
    assert len(ports) == len(set(ports))


@each_part
def test_only_directories_and_volumes_are_mounted(name: str) -> None:
    """An editor replaces a file, and a container that has that mounted keeps the old one; and none of them writes."""
    for mount in PARTS[name].get("volumes", ()):
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert (ROOT / source).is_dir()
            assert rest.endswith(":ro")
        else:
            assert source in FILE["volumes"]


@each_part
def test_images_are_pinned_to_a_tag(name: str) -> None:
    """To a full version; our own is built here."""
    image = PARTS[name]["image"]
    if name in OURS:
        assert image == PARTS["edge"]["image"]
    else:
        assert re.search(r":v?[0-9]+(\.[0-9]+)+(-alpine)?$", image), image
    assert ("build" in PARTS[name]) == (name in OURS)


@each_part
def test_every_container_says_whether_it_is_well(name: str) -> None:
    """But for Tempo, whose image has no program that could ask; and nobody waits for it to be well."""
    assert ("healthcheck" in PARTS[name]) == (name != "tempo")
    for needed, wanted in PARTS[name].get("depends_on", {}).items():
        assert wanted["condition"] == ("service_started" if needed == "tempo" else "service_healthy")


@each_part
def test_no_container_starts_again_by_itself(name: str) -> None:
    """A silent restart in the middle of a run would make the run a lie."""
    assert "restart" not in PARTS[name]


@pytest.mark.parametrize("name", ["primary", "standby"])
def test_the_databases_adopt_no_orphans(name: str) -> None:
    """A health check that Docker gives up on leaves one, whose end would count as the crash of a backend."""
    assert PARTS[name]["init"] is True
    assert PARTS[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_more_rights_than_they_need(name: str) -> None:
    """Not root, nothing to write to but a small temporary folder."""
    part = PARTS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert all("size=" in one for one in part["tmpfs"])
    user = re.search(r"^USER (\d+):", (ROOT / "services/Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0


@each_service
def test_a_service_runs_what_the_lab_runs(name: str) -> None:
    """Under the same names, with links and defences from the same files."""
    described, part = SERVICES[name], PARTS[name]
    environment = part["environment"]
    assert part["command"] == [described["app"]]
    assert environment["RULEZERO_INSTANCE"] == name
    assert environment["RULEZERO_SERVICE"] == described.get("service", name)
    mounts = {mount.split(":")[1]: ROOT / mount.split(":")[0] for mount in part["volumes"]}
    for variable, path in (("RULEZERO_LINKS_FILE", SHOP["links"]), ("RULEZERO_DEFENCES_FILE", SHOP["defences"])):
        inside = Path(environment[variable])
        assert mounts[str(inside.parent)] / inside.name == ROOT / path
    assert any(port.endswith(":9100") for port in part["ports"])


def test_every_link_leads_to_a_container() -> None:
    """Each listens on a port of its own, in the container that has the name that the services are told."""
    assert {link["upstream"].split(":")[0] for link in LINKS} <= set(PARTS)
    listening = [link["listen"] for link in LINKS]
    assert len(set(listening)) == len(LINKS)
    assert all(listen.startswith("0.0.0.0:") for listen in listening)
    assert PARTS["edge"]["environment"]["RULEZERO_LINKS_HOST"] in PARTS
    entry = next(link for link in LINKS if link["name"] == "users-edge")["listen"].split(":")[1]
    assert f"127.0.0.1:{entry}:{entry}" in PARTS["toxiproxy"]["ports"]
    assert f"http://toxiproxy:{entry}" in PARTS["locust"]["entrypoint"]


def test_the_standby_streams_through_its_link() -> None:
    """At the port that the links give it."""
    port = next(link for link in LINKS if link["name"] == "replica-primary")["listen"].split(":")[1]
    script = (CONFIGURATION / "postgres/standby.sh").read_text(encoding="utf-8")
    assert f"host=toxiproxy port={port} user={postgres.USER} " in script


def test_the_databases_have_the_settings_of_the_lab() -> None:
    """But for those that a container needs otherwise."""

    def settings(text: str) -> dict[str, str]:
        found = dict(re.findall(r"^(\w+) = '([^']*)'$", text, re.MULTILINE))
        return {name: value for name, value in found.items() if name not in OWN_POSTGRES_SETTINGS}

    written = (CONFIGURATION / "postgres/postgresql.conf").read_text(encoding="utf-8")
    assert settings(written) == settings(postgres.settings(18))
    assert PARTS["primary"]["image"].split(":")[1].split(".")[0] == "18"


def test_the_cache_and_the_queue_have_the_bounds_of_the_lab() -> None:
    """The same memory, and nothing kept."""
    command = cache.server_command(Path("valkey-server"), 6379)
    options = {"--save", "--appendonly", "--maxmemory", "--maxmemory-policy"}
    told = dict(zip(PARTS["cache"]["command"][1::2], PARTS["cache"]["command"][2::2], strict=True))
    assert told == {name: value for name, value in zip(command[1::2], command[2::2], strict=True) if name in options}
    bound = re.compile(r"max_memory_store: \w+, max_file_store: \w+")
    wanted = bound.search(queue.configuration(Path("/data"), 4222))
    found = bound.search((CONFIGURATION / "queue/nats.conf").read_text(encoding="utf-8"))
    assert wanted is not None
    assert found is not None
    assert found[0] == wanted[0]


def test_prometheus_scrapes_every_instance() -> None:
    """At its admin port, under the name of its service."""
    configuration = yaml.safe_load((ROOT / "dashboards/prometheus/prometheus.yaml").read_text(encoding="utf-8"))
    targets = {
        (job["job_name"], target)
        for job in configuration["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    wanted = {(one.get("service", name), f"{name}:9100") for name, one in SERVICES.items()}
    assert wanted <= targets
    assert {("loadgen", "locust:9646"), ("toxiproxy", "toxiproxy:8474")} <= targets


def test_the_image_has_pinned_packages_only() -> None:
    """Each is in requirements.lock, and its list is part of what the project itself needs."""
    listed = (CONFIGURATION / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition("[")[0] for line in listed if line and not line.startswith("#")]
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name in names:
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert set(names) <= {line.partition("[")[0] for line in project}
