"""The faults that somebody injects by hand, shown as those of a planned run are: what Toxiproxy has, once a second.

Where Toxiproxy is, is told by RULEZERO_TOXIPROXY_API ("host:port"), or else by the lab that `rulezero up` has started.
"""

import logging
import os
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

import gevent
import requests

from rulezero.lab.standing import Condition, status
from rulezero.telemetry.faults import FaultSeries

VARIABLE = "RULEZERO_TOXIPROXY_API"
_EACH_S = 1.0
_KEPT_S = 60.0  # After so long a time off, the series of a toxic is no news any more.
_SERIES_MAX = 200


def toxiproxy_api() -> str:
    """Return where Toxiproxy's API is, empty when nothing tells it."""
    told = os.environ.get(VARIABLE)
    if told is not None:
        return told
    condition, state = status(Path.cwd())
    return state.toxiproxy_api if state is not None and condition is Condition.RUNNING else ""


class ToxicsSeen:
    """Shows every toxic and every link that is cut, from its first second to a while after its end."""

    def __init__(self, api: str) -> None:
        self._url = f"http://{api}/proxies"
        self._session = requests.Session()
        self._session.trust_env = False  # Loopback is not for the HTTP proxy of a company.
        self._seen_s: dict[FaultSeries, float] = {}
        self._silent = False

    def keep_looking(self) -> NoReturn:
        """Look once a second, for ever."""
        while True:
            self.look()
            gevent.sleep(_EACH_S)

    def look(self) -> None:
        """Ask once; a Toxiproxy that does not answer has no toxics, and that is said once."""
        present, now_s = self._ask(), monotonic()
        for series in present:
            if series in self._seen_s or len(self._seen_s) < _SERIES_MAX:
                self._seen_s[series] = now_s
                series.show(1)
        for series, seen_s in list(self._seen_s.items()):
            if now_s - seen_s > _KEPT_S:
                del self._seen_s[series]
                series.forget()
            elif series not in present:
                series.show(0)

    def _ask(self) -> set[FaultSeries]:
        try:
            answer = self._session.get(self._url, timeout=_EACH_S)
            answer.raise_for_status()
            found = {series for proxy in answer.json().values() for series in _faults_of(proxy)}
        except (requests.RequestException, ValueError, AttributeError, KeyError, TypeError) as error:
            if not self._silent:
                logging.getLogger(__name__).warning("no toxics from %s: %s", self._url, type(error).__name__)
            self._silent = True
            return set()
        self._silent = False
        return found


def _faults_of(proxy: dict[str, Any]) -> set[FaultSeries]:
    name = str(proxy["name"])
    found = {
        FaultSeries(name, str(toxic["name"]), str(toxic["type"]), str(toxic["stream"])) for toxic in proxy["toxics"]
    }
    return found if proxy["enabled"] else {*found, FaultSeries(name, "disabled", "down")}
