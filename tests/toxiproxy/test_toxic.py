"""Mirrors rulezero/toxiproxy/toxic.py."""

import pytest

from rulezero.toxiproxy.toxic import Direction, Toxic, parse_direction
from rulezero.toxiproxy.toxics.latency import Latency


@pytest.mark.parametrize(
    ("stream", "direction"),
    [("upstream", Direction.UPSTREAM), ("DownStream", Direction.DOWNSTREAM), ("", None), ("up", None)],
)
def test_directions(stream: str, direction: Direction | None) -> None:
    """Streams are recognised in any case, others are not."""
    assert parse_direction(stream) is direction


def test_json_has_the_attributes_first() -> None:
    """The order of the fields is the original's."""
    toxic = Toxic("<n>", "Upstream", Direction.UPSTREAM, 0.5, Latency(1, 2))
    assert toxic.to_json() == (
        '{"attributes":{"latency":1,"jitter":2},"name":"\\u003cn\\u003e","type":"latency","stream":"Upstream","toxicity":0.5}'
    )
