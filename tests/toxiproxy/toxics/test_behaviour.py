"""Mirrors rulezero/toxiproxy/toxics/behaviour.py and the registry."""

import pytest

from rulezero.toxiproxy.toxics import BEHAVIOURS
from rulezero.toxiproxy.toxics.latency import Latency
from rulezero.toxiproxy.toxics.slicer import Slicer


@pytest.mark.parametrize("name", sorted(BEHAVIOURS))
def test_every_kind_is_registered_under_its_name(name: str) -> None:
    """Attributes are integers that start at 0."""
    behaviour = BEHAVIOURS[name]()
    assert behaviour.type_name == name
    assert all(getattr(behaviour, key) == 0 for key in behaviour.struct().fields)


def test_attributes_are_written_in_their_order() -> None:
    """The JSON follows the declaration."""
    assert Latency(5, -3).to_json() == '{"latency":5,"jitter":-3}'


def test_struct_names_go_types() -> None:
    """Errors about attributes name the type that the original has."""
    assert Slicer.struct().type_name == "toxics.SlicerToxic"
    assert set(Slicer.struct().fields.values()) == {"int"}
