"""The toxics of one proxy: a chain per direction, applied to every connection that is open and to those that come."""

from collections.abc import Iterable
from typing import Final, cast

from rulezero.toxiproxy import api_error
from rulezero.toxiproxy.connection import Connection
from rulezero.toxiproxy.go_json.decode import Struct, decode_struct
from rulezero.toxiproxy.go_json.values import JsonError, JsonValue
from rulezero.toxiproxy.link import Link
from rulezero.toxiproxy.toxic import Direction, Toxic, parse_direction
from rulezero.toxiproxy.toxics import BEHAVIOURS
from rulezero.toxiproxy.toxics.noop import Noop

TOXICS_MAX: Final = 256
"""Per proxy; the original has no bound."""
_TOXIC: Final = Struct(
    "ToxicWrapper",
    "toxics.ToxicWrapper",
    {
        "attributes": Struct(Noop.struct_name, f"toxics.{Noop.struct_name}", {}),
        "name": "string",
        "type": "string",
        "stream": "string",
        "toxicity": "float32",
    },
)


class ToxicChains:
    """Adds, changes and removes toxics; `connections` is the proxy's own live set."""

    def __init__(self, connections: Iterable[Connection]) -> None:
        self._connections = connections
        self._chains: dict[Direction, list[Toxic]] = {direction: [] for direction in Direction}

    def chain(self, direction: Direction) -> list[Toxic]:
        """Return the toxics of a direction, first to last."""
        return self._chains[direction]

    def all(self) -> list[Toxic]:
        """Return the toxics of both directions, upstream first."""
        return [toxic for chain in self._chains.values() for toxic in chain]

    def get(self, name: str) -> Toxic:
        """Return a toxic; raise `ApiError` if there is none of the name."""
        for toxic in self.all():
            if toxic.name == name:
                return toxic
        raise api_error.toxic_not_found()

    def add(self, value: JsonValue) -> Toxic:
        """Make a toxic from a request and append it to its chain."""
        toxic = self._parse_new(value)
        self._chains[toxic.direction].append(toxic)
        for link in self._links(toxic.direction):
            link.add(toxic)
        return toxic

    def update(self, toxic: Toxic, value: JsonValue) -> None:
        """Change the toxicity and those attributes that the request names."""
        wanted = _decode(
            value,
            Struct(
                "",
                'struct { Attributes interface {} "json:\\"attributes\\""; Toxicity float32 "json:\\"toxicity\\"" }',
                {"attributes": toxic.behaviour.struct(), "toxicity": "float32"},
            ),
        )
        toxic.toxicity = cast("float", wanted.get("toxicity", toxic.toxicity))
        _set_attributes(toxic, wanted)
        for link in self._links(toxic.direction):
            link.update(toxic)

    def remove(self, toxic: Toxic) -> None:
        """Take a toxic away from every connection."""
        self._chains[toxic.direction].remove(toxic)
        for link in self._links(toxic.direction):
            link.remove(toxic)

    def clear(self) -> None:
        """Remove every toxic."""
        for toxic in self.all():
            self.remove(toxic)

    def _links(self, direction: Direction) -> list[Link]:
        return [connection.links[direction] for connection in list(self._connections) if direction in connection.links]

    def _parse_new(self, value: JsonValue) -> Toxic:
        """Check a request in the order of the original, so that the first problem is the same."""
        wanted = _decode(value, _TOXIC)
        stream = _text(wanted, "stream", Direction.DOWNSTREAM.value)
        direction = parse_direction(stream)
        if direction is None:
            raise api_error.invalid_stream()
        kind = _text(wanted, "type", "")
        name = _text(wanted, "name", "") or f"{kind}_{stream}"
        if kind not in BEHAVIOURS:
            raise api_error.invalid_toxic_type()
        if any(toxic.name == name for toxic in self.all()):
            raise api_error.toxic_exists()
        if len(self.all()) >= TOXICS_MAX:
            raise api_error.too_many("toxics", TOXICS_MAX)
        toxicity = cast("float", wanted.get("toxicity", 1.0))
        toxic = Toxic(name, stream, direction, toxicity, BEHAVIOURS[kind]())
        _set_attributes(toxic, _decode(value, Struct("", "", {"attributes": toxic.behaviour.struct()})))
        return toxic


def _decode(value: JsonValue, target: Struct) -> dict[str, object]:
    try:
        return cast("dict[str, object]", decode_struct(value, target))
    except JsonError as problem:
        raise api_error.bad_request_body(problem) from None


def _text(wanted: dict[str, object], key: str, default: str) -> str:
    return cast("str", wanted.get(key, default))


def _set_attributes(toxic: Toxic, wanted: dict[str, object]) -> None:
    for key, number in cast("dict[str, int]", wanted.get("attributes", {})).items():
        setattr(toxic.behaviour, key, number)
