"""Experiment, arms, phases and faults as regions on Grafana's charts. Nothing of a run depends on it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, ParamSpec, TypeVar

from rulezero.collect import grafana
from rulezero.collect.grafana import TAG, Grafana, Region
from rulezero.errors import Problem
from rulezero.lab.threads import to_the_end

Kind = Literal["experiment", "arm", "phase", "fault"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


@dataclass(slots=True)
class Mark:
    """A region that lasts; without a number Grafana does not have it."""

    region: Region
    number: int | None = None


class Annotations:
    """Draws the regions of one experiment, until Grafana first refuses: that is told once, to `warn`, and that is all.

    Instants are seconds of the wall clock since 1970. None in place of a Grafana draws nothing.
    """

    def __init__(self, where: Grafana | None, experiment: str, warn: Callable[[str], None]) -> None:
        self._grafana = where
        self._experiment = experiment
        self._warn = warn

    async def reach(self) -> str:
        """Return the address of the Grafana, empty when none answers; one that does not is not asked again."""
        if self._grafana is not None:
            await self._ask(grafana.check, self._grafana)
        return "" if self._grafana is None else self._grafana.url

    async def begin(self, kind: Kind, name: str, start_s: float, end_s: float) -> Mark:
        """Draw a region to its planned end."""
        named = (name,) if kind == "arm" else ()  # A phase has the name of a kind.
        tags = (TAG, kind, self._experiment, *named)
        mark = Mark(Region(tags=tags, text=name, start_s=start_s, end_s=end_s))
        if self._grafana is not None:
            mark.number = await self._ask(grafana.annotate, self._grafana, mark.region)
        return mark

    async def end(self, mark: Mark, end_s: float) -> None:
        """Draw a region to its end as it was."""
        if self._grafana is not None and mark.number is not None:
            mark.region = replace(mark.region, end_s=end_s)
            await self._ask(grafana.update, self._grafana, mark.number, mark.region)

    async def add_parts(
        self,
        windows: Sequence[tuple[str, float, float]],
        faults: Iterable[Mapping[str, Any]],
        *,
        began_s: float,
        ended_s: float,
    ) -> None:
        """Draw the phases and faults of an arm that is over; their times count from `began_s`."""
        for name, start_s, end_s in windows:
            if began_s + start_s < ended_s:
                await self.begin("phase", name, began_s + start_s, min(began_s + end_s, ended_s))
        for fault in faults:
            end_s = fault["start_s"] if fault["end_s"] is None else fault["end_s"]
            await self.begin("fault", fault["text"], began_s + fault["start_s"], began_s + end_s)

    async def _ask(
        self, question: Callable[_Arguments, _Result], *arguments: _Arguments.args, **keywords: _Arguments.kwargs
    ) -> _Result | None:
        try:
            return await to_the_end(question, *arguments, **keywords)
        except Problem as problem:
            self._grafana = None
            self._warn(f"{problem}; this run goes on without annotations")
            return None
