"""What the generator says about itself, once a second: a run it fell behind in is not valid."""

from bisect import bisect_right
from collections.abc import Sequence
from time import monotonic, process_time

import gevent

from loadtests.row_log import RowLog
from loadtests.traffic import Counts

_EACH_S = 1.0


def report(log: RowLog, counts: Counts, due_s: Sequence[float], origin_s: float) -> None:
    """Write a line each second after time 0, and a last one when killed; closes the log.

    `due_s` holds every instant at which something should be sent, so that `scheduled` does not depend on how far the
    generator got. Counts add up from 0; the lag is the worst since the line before.
    """
    at_s = 0.0
    try:
        while True:
            at_s += _EACH_S
            gevent.sleep(max(0.0, origin_s + at_s - monotonic()))
            log.add(_line(counts, due_s, monotonic() - origin_s))
            counts.lag_max_s = 0.0
    finally:
        log.add(_line(counts, due_s, monotonic() - origin_s))
        log.close()


def _line(counts: Counts, due_s: Sequence[float], t_s: float) -> str:
    return (
        f"{t_s:.3f},{bisect_right(due_s, t_s)},{counts.sent},{counts.dropped},{counts.in_flight},"
        f"{counts.lag_max_s * 1000:.3f},{process_time():.3f}\n"
    )
