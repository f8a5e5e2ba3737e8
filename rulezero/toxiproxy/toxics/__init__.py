"""The kinds of toxics, one file each. A new one is a file and a line here."""

from typing import Final

from rulezero.toxiproxy.toxics.bandwidth import Bandwidth
from rulezero.toxiproxy.toxics.behaviour import Behaviour
from rulezero.toxiproxy.toxics.latency import Latency
from rulezero.toxiproxy.toxics.limit_data import LimitData
from rulezero.toxiproxy.toxics.noop import Noop
from rulezero.toxiproxy.toxics.reset_peer import ResetPeer
from rulezero.toxiproxy.toxics.slicer import Slicer
from rulezero.toxiproxy.toxics.slow_close import SlowClose
from rulezero.toxiproxy.toxics.timeout import Timeout

_KINDS: Final[tuple[type[Behaviour], ...]] = (
    Bandwidth, Latency, LimitData, Noop, ResetPeer, Slicer, SlowClose, Timeout,
)  # fmt: skip

BEHAVIOURS: Final = {kind.type_name: kind for kind in _KINDS}
