"""The defences that are on, as layers around the calls to one dependency; rebuilt when the toggles change."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from rulezero.calls import Lasting, Layer, Operation, Proceed, wrap
from rulezero.defences import CATALOGUE
from rulezero.defences.background import Background
from rulezero.defences.context import Context, Family, SharedCache, SharedQueue, Teller
from rulezero.telemetry.decisions import Decisions
from rulezero.toggles.store import ToggleStore

MakeTeller = Callable[[Family, str, str], Teller]


def _decisions(family: Family, defence: str, dependency: str) -> Teller:
    return Decisions(family=family, defence=defence, dependency=dependency)


class _Built(NamedTuple):
    config: Any
    layer: Layer
    teller: Teller


class Stack:
    """The layers of one family around one dependency.

    A defence whose numbers did not change keeps its state (an open breaker stays open) when another is toggled.
    """

    def __init__(
        self,
        store: ToggleStore,
        *,
        family: Family,
        dependency: str,
        caller: str,
        random: Random,
        make_teller: MakeTeller = _decisions,
        shared: SharedCache | None = None,
        queue: SharedQueue | None = None,
    ) -> None:
        self._store = store
        self._family = family
        self._dependency = dependency
        self._caller = caller
        self._random = random
        self._make_teller = make_teller
        self._shared = shared
        self._queue = queue
        # The stack's, not a layer's: a refresh that is under way survives a change of the toggles.
        self._background = Background()
        self._built: dict[str, _Built] = {}
        self._layers: tuple[Layer, ...] = ()
        self._generation = -1

    async def call(self, operation: Operation, send: Proceed) -> Any:
        """Return the reply of `send` through every defence that is on."""
        if self.empty:
            return await send(operation)
        return await wrap(self._layers, send)(operation)

    async def close(self) -> None:
        """End what its defences still do in the background."""
        await self._background.close()

    @property
    def empty(self) -> bool:
        """Tell whether no defence is on, so that a hot path can do without the operation."""
        generation = self._store.generation
        if generation != self._generation:
            self._rebuild()
            self._generation = generation
        return not self._layers

    def _rebuild(self) -> None:
        toggles = self._store.current
        on = {
            defence: toggles[defence.name].config_for(self._dependency)
            for defence in CATALOGUE
            if defence.family == self._family and toggles[defence.name].enabled
        }
        kept = {
            defence.name: self._built[defence.name]
            for defence, config in on.items()
            if defence.name in self._built and self._built[defence.name].config == config
        }
        # Before new ones are made, which tell their state under the same names.
        for name, old in self._built.items():
            if name not in kept:
                old.teller.removed()
                if isinstance(old.layer, Lasting):
                    old.layer.switched_off()
        self._built = {
            defence.name: kept.get(defence.name) or self._build(defence, config) for defence, config in on.items()
        }
        self._layers = tuple(built.layer for built in self._built.values())

    def _build(self, defence: type[Any], config: Any) -> _Built:
        teller = self._make_teller(self._family, defence.name, self._dependency)
        context = Context(
            dependency=self._dependency,
            caller=self._caller,
            teller=teller,
            random=self._random,
            background=self._background,
            shared=self._shared,
            queue=self._queue,
        )
        return _Built(config, defence(config, context), teller)
