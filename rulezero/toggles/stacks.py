"""The defences that are on, as layers around the calls to one dependency; rebuilt when the toggles change."""

from collections.abc import Callable
from random import Random
from typing import Any

from rulezero.calls import Layer, Operation, Proceed, wrap
from rulezero.defences import CATALOGUE
from rulezero.defences.background import Background
from rulezero.defences.context import Context, Family, SharedCache, Teller
from rulezero.telemetry.decisions import Decisions
from rulezero.toggles.store import ToggleStore

MakeTeller = Callable[[Family, str, str], Teller]


def _decisions(family: Family, defence: str, dependency: str) -> Teller:
    return Decisions(family=family, defence=defence, dependency=dependency)


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
    ) -> None:
        self._store = store
        self._family = family
        self._dependency = dependency
        self._caller = caller
        self._random = random
        self._make_teller = make_teller
        self._shared = shared
        # The stack's, not a layer's: a refresh that is under way survives a change of the toggles.
        self._background = Background()
        self._built: dict[str, tuple[Any, Layer]] = {}
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
        kept: dict[str, tuple[Any, Layer]] = {}
        for defence in CATALOGUE:
            toggle = toggles[defence.name]
            if defence.family != self._family or not toggle.enabled:
                continue
            config = toggle.config_for(self._dependency)
            old = self._built.get(defence.name)
            if old is not None and old[0] == config:
                kept[defence.name] = old
            else:
                kept[defence.name] = (config, defence(config, self._context(defence.name)))
        self._built = kept
        self._layers = tuple(layer for _, layer in kept.values())

    def _context(self, defence: str) -> Context:
        teller = self._make_teller(self._family, defence, self._dependency)
        return Context(
            dependency=self._dependency,
            caller=self._caller,
            teller=teller,
            random=self._random,
            background=self._background,
            shared=self._shared,
        )
