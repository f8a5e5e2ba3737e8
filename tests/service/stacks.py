"""The admission stack of a service, as its process makes it."""

from random import Random

from rulezero.toggles.stacks import Stack
from rulezero.toggles.store import ToggleStore
from tests.toggles.manual import store_on


def admission_stack(store: ToggleStore | None = None) -> Stack:
    """Return a stack on a store; without one every defence is off."""
    store = store or store_on()[0]
    return Stack(store, family="admission", dependency="slots", caller="payment", random=Random(0))
