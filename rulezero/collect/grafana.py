"""Regions on Grafana's charts, through the package `grafana-api`, which blocks. No other place knows that package."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace

from rulezero.errors import Problem, UsageProblem

ADDRESS_VARIABLE, LOGIN_VARIABLE = "RULEZERO_GRAFANA", "RULEZERO_GRAFANA_TOKEN"
TAG = "rulezero"  # What the boards find marks by.
_LOGIN = "admin:admin"  # What a fresh Grafana has.
_TIMEOUT_S = 2.0
# Without the keys or the JSON that it expects, the package fails in ways of its own.
_REFUSALS = (requests.RequestException, GrafanaException, ValueError, TypeError, KeyError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A stretch of wall-clock time, in seconds since 1970, and what it was."""

    tags: tuple[str, ...]
    text: str
    start_s: float
    end_s: float


class Grafana:
    """One server at `url`; `login` is a token or "user:password"."""

    def __init__(self, url: str, login: str = _LOGIN) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        user, colon, password = login.partition(":")
        self.api = GrafanaFace(
            (user, password) if colon else login,
            host=parts.hostname or "",
            port=parts.port,
            protocol=parts.scheme,
            url_path_prefix=f"{parts.path.strip('/')}/".lstrip("/"),
            timeout=_TIMEOUT_S,
        )


def find_grafana(own: str, environment: Mapping[str, str] = os.environ) -> Grafana | None:
    """Return the Grafana that the environment names, else the lab's own at "host:port", else None.

    Raises:
        UsageProblem: The variable holds no address.

    """
    url = environment.get(ADDRESS_VARIABLE) or (f"http://{own}" if own else "")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise UsageProblem(f"{ADDRESS_VARIABLE}={url} is no address; write http://127.0.0.1:3000")
    return Grafana(url, environment.get(LOGIN_VARIABLE) or _LOGIN)


def check(grafana: Grafana) -> None:
    """Ask whether it is well. Blocks. Raises Problem."""
    with _explained(grafana):
        health = grafana.api.api.GET("/health")
        if health["database"] != "ok":
            raise Problem(f"Grafana at {grafana.url} is not well: {health}")


def annotate(grafana: Grafana, region: Region) -> int:
    """Draw a region on every board that shows its tags; return its number. Blocks. Raises Problem."""
    with _explained(grafana):
        answer = grafana.api.annotations.add_annotation(
            time_from=_milliseconds(region.start_s),
            time_to=_milliseconds(region.end_s),
            tags=list(region.tags),
            text=region.text,
        )
        return int(answer["id"])


def update(grafana: Grafana, number: int, region: Region) -> None:
    """Draw a region as it is now, its end above all. Blocks. Raises Problem."""
    with _explained(grafana):
        grafana.api.annotations.update_annotation(
            number,
            time_from=_milliseconds(region.start_s),
            time_to=_milliseconds(region.end_s),
            tags=list(region.tags),
            text=region.text,
        )


def _milliseconds(at_s: float) -> int:
    return round(at_s * 1000)


@contextmanager
def _explained(grafana: Grafana) -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        told = str(error) or type(error).__name__
        raise Problem(f"Grafana at {grafana.url} refused: {told}; see {ADDRESS_VARIABLE}, {LOGIN_VARIABLE}") from None
