"""The environment of a service process, read once into one frozen object."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rulezero.errors import UsageProblem

LINKS_FILE = Path("toxics/links.json")
DEFENCES_FILE = Path("services/config/defences.toml")
# What may be overridden.
_LEAST = {
    "slots": 1.0, "prefetch": 1.0, "service_s": 0.0, "service_cv": 0.0, "pool_size": 1.0, "cache_ttl_s": 0.001,
}  # fmt: skip
# With more spread than that no run of minutes comes near the mean; the queue server keeps so many requests.
_MOST = {"service_cv": 10.0, "prefetch": 1000.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a service is told from outside.

    `links` maps the name of a link to the "host:port" where Toxiproxy listens for it.
    """

    service: str
    instance: str
    links: Mapping[str, str]
    defences_file: Path | None
    otlp_endpoint: str | None
    database: str
    seed: int
    overrides: Mapping[str, float]

    def number(self, name: str, default: float) -> float:
        """Return a number that the environment may override, as RULEZERO_SLOTS overrides "slots"."""
        return self.overrides.get(name, default)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that an environment holds.

    Raises:
        UsageProblem: A variable is missing or malformed.

    """
    service = _required(environment, "RULEZERO_SERVICE")
    file = environment.get("RULEZERO_DEFENCES_FILE")
    return Settings(
        service=service,
        instance=environment.get("RULEZERO_INSTANCE", service),
        links=_links(environment),
        defences_file=Path(file) if file else None,
        otlp_endpoint=environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        database=environment.get("RULEZERO_DATABASE", "postgresql://rulezero@{address}/shop"),
        seed=_seed(environment.get("RULEZERO_SEED", "0")),
        overrides={
            name: _number(environment, f"RULEZERO_{name.upper()}", least, _MOST.get(name, math.inf))
            for name, least in _LEAST.items()
            if f"RULEZERO_{name.upper()}" in environment
        },
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    try:
        return environment[name]
    except KeyError:
        raise UsageProblem(f"{name} is not set; the lab sets it, or export it by hand") from None


def _number(environment: Mapping[str, str], name: str, least: float, most: float) -> float:
    text = environment[name]
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most or math.isinf(number):
        allowed = f"{least:g} up" if math.isinf(most) else f"{least:g} to {most:g}"
        raise UsageProblem(f"{name} must be a number from {allowed}, not {text!r}; correct the environment")
    return number


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageProblem(f"RULEZERO_SEED must be a whole number, not {text!r}; correct the environment") from None


def _links(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return where each link listens: told as such, or by Toxiproxy's own file and the host that it runs on."""
    file = environment.get("RULEZERO_LINKS_FILE")
    if file and "RULEZERO_LINKS" not in environment:
        return _links_of(Path(file), _required(environment, "RULEZERO_LINKS_HOST"))
    text = _required(environment, "RULEZERO_LINKS")
    try:
        links = json.loads(text)
    except (ValueError, RecursionError):
        links = None
    if not isinstance(links, dict) or not all(_is_address(one) for one in links.values()):
        raise UsageProblem('RULEZERO_LINKS must be JSON, as in: {"edge-checkout": "127.0.0.1:4001"}')
    return links


def _links_of(file: Path, host: str) -> Mapping[str, str]:
    try:
        proxies = json.loads(file.read_bytes())
        links = {str(proxy["name"]): f"{host}:{str(proxy['listen']).rpartition(':')[2]}" for proxy in proxies}
    except OSError as error:
        raise UsageProblem(f"{file} cannot be read ({error.strerror}); correct RULEZERO_LINKS_FILE") from None
    except (ValueError, RecursionError, TypeError, KeyError):
        links = {}
    if not links or not all(_is_address(one) for one in links.values()):
        raise UsageProblem(f'{file} must be a JSON list of links, each with "name" and "listen" as "host:port"')
    return links


def _is_address(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\S+:[0-9]{1,5}", value) is not None
