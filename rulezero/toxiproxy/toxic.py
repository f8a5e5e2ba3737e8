"""A toxic as configured on a proxy: which behaviour, on which stream, for which share of the connections."""

from dataclasses import dataclass
from enum import Enum

from rulezero.toxiproxy.go_json.encode import encode_float32, encode_string
from rulezero.toxiproxy.toxics.behaviour import Behaviour


class Direction(Enum):
    """Which way the data flows."""

    UPSTREAM = "upstream"  # From client to server.
    DOWNSTREAM = "downstream"  # From server to client.


def parse_direction(stream: str) -> Direction | None:
    """Read a stream's name without regard to case."""
    try:
        return Direction(stream.lower())
    except ValueError:
        return None


@dataclass(slots=True, eq=False)
class Toxic:
    """Shared by all connections of a proxy; `stream` is kept as it was written."""

    name: str
    stream: str
    direction: Direction
    toxicity: float
    behaviour: Behaviour

    def to_json(self) -> str:
        """Write it as the API shows it."""
        return (
            f'{{"attributes":{self.behaviour.to_json()},"name":{encode_string(self.name)},'
            f'"type":{encode_string(self.behaviour.type_name)},"stream":{encode_string(self.stream)},'
            f'"toxicity":{encode_float32(self.toxicity)}}}'
        )
