"""Questions to a Prometheus, with Grafana's variables filled in as Grafana does."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from dashboards.model import INSTANT, Board, Panel, Query
from dashboards.queries import users

_TIMEOUT_S = 60
_SCRAPE_S = 1
_POINTS_MAX = 300


class NoAnswer(Exception):
    """Prometheus cannot be asked, or does not take the question; the message says which and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The range of a board, in seconds since the epoch."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """Return the length of the range."""
        return self.end_s - self.start_s

    @property
    def step_s(self) -> int:
        """Return the distance of points: a second, more where there would be too many."""
        return max(_SCRAPE_S, math.ceil(self.length_s / _POINTS_MAX))


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One series; times count from the start of the range. What is no number is left out."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """Return the last value."""
        return self.points[-1][1]


def filled(text: str, board: Board, span: Span) -> str:
    """Return an expression or a title with the variables as a picture shows them."""
    for variable in board.variables:
        text = text.replace(f"${variable.name}", variable.shown)
    return windowed(text, span)


def windowed(expr: str, span: Span) -> str:
    """Return an expression with Grafana's windows as they are for this range."""
    values = {
        "$__rate_interval": f"{max(span.step_s + _SCRAPE_S, 4 * _SCRAPE_S)}s",
        "$__range": f"{max(1, round(span.length_s))}s",
    }
    for name, value in values.items():
        expr = expr.replace(name, value)
    return expr


def named(query: Query, series: Series) -> str:
    """Return what the legend calls a series."""
    text = query.legend
    for label, value in series.labels.items():
        text = text.replace(f"{{{{{label}}}}}", value)
    return text


class Prometheus:
    """One server, at "http://host:port"."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # A proxy for the web is none for what runs here.

    def answers(self, board: Board, panel: Panel, span: Span) -> list[list[Series]]:
        """Return the series of each query of a panel.

        Raises:
            NoAnswer: As `over`.

        """
        ask = self.at_end if panel.kind in INSTANT else self.over
        return [ask(filled(query.expr, board, span), span) for query in panel.queries]

    def over(self, expr: str, span: Span) -> list[Series]:
        """Return the series of an expression over a range.

        Raises:
            NoAnswer: Prometheus is not there, or refuses the expression.

        """
        asked = {"query": expr, "start": span.start_s, "end": span.end_s, "step": span.step_s}
        return [
            Series(labels=one["metric"], points=points)
            for one in self._ask("query_range", asked)["result"]
            if (points := _numbers(one["values"], span))
        ]

    def at_end(self, expr: str, span: Span) -> list[Series]:
        """Return the values at the end of a range, as series of one point; errors as `over`."""
        asked = {"query": expr, "time": span.end_s}
        return [
            Series(labels=one["metric"], points=points)
            for one in self._ask("query", asked)["result"]
            if (points := _numbers([one["value"]], span))
        ]

    def loaded_span(self, now_s: float) -> Span | None:
        """Return when there was load in the last two days, None where there was none; errors as `over`."""
        today = Span(start_s=now_s, end_s=now_s)
        ends = [self.at_end(expr, today) for expr in (users.BEGAN, users.ENDED)]
        if not all(ends):
            return None
        began_s, ended_s = (found[0].last for found in ends)
        return Span(start_s=began_s - 2, end_s=ended_s + 2)

    def _ask(self, path: str, asked: Mapping[str, Any]) -> Any:
        try:
            answer = self._session.post(f"{self._url}/api/v1/{path}", data=asked, timeout=_TIMEOUT_S)
            told = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise NoAnswer(f"{self._url} does not answer as a Prometheus does: {error}") from None
        if told.get("status") != "success":
            raise NoAnswer(f"{told.get('error', 'refused')} in: {asked['query']}")
        return told["data"]


def _numbers(values: list[list[Any]], span: Span) -> tuple[tuple[float, float], ...]:
    pairs = ((float(at_s) - span.start_s, float(value)) for at_s, value in values)
    return tuple((at_s, value) for at_s, value in pairs if math.isfinite(value))
