"""Where on a map a prediction changes: a border as lines, found by marching squares.

The plane is cut into small squares. Where the ends of an edge differ, the border crosses it, at a place that is found
by halving; the crossings of a square are joined (Lorensen and Cline 1987, in two dimensions).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

Place = tuple[float, float]
Holds = Callable[[float, float], bool]

_SQUARES = 48
_HALVINGS = 20


def border(holds: Holds, xs: tuple[float, float], ys: tuple[float, float]) -> list[list[Place]]:
    """Return the lines that part where `holds` from where it does not, within two ranges."""
    if xs[0] == xs[1] or ys[0] == ys[1]:
        return []
    across, up = _steps(xs), _steps(ys)
    known = {(x, y): holds(x, y) for x in across for y in up}
    segments = []
    for left, right in pairwise(across):
        for low, high in pairwise(up):
            corners = [(left, low), (right, low), (right, high), (left, high)]
            edges = zip(corners, [*corners[1:], corners[0]], strict=True)
            found = [_crossing(holds, known, *sorted(edge)) for edge in edges if known[edge[0]] != known[edge[1]]]
            segments += [(found[at], found[at + 1]) for at in range(0, len(found), 2)]
    return _joined(segments)


def crossings(holds: Callable[[float], bool], low: float, high: float) -> list[float]:
    """Return where it changes along one parameter."""
    lines = border(lambda x, _: holds(x), (low, high), (0.0, 1.0))
    return sorted({line[0][0] for line in lines})


def _steps(ends: tuple[float, float]) -> list[float]:
    low, high = ends
    return [low + (high - low) * step / _SQUARES for step in range(_SQUARES)] + [high]


def _crossing(holds: Holds, known: Mapping[Place, bool], begin: Place, end: Place) -> Place:
    """Return where an edge is crossed; its ends are given in order, so that squares which share it agree."""
    before = known[begin]
    for _ in range(_HALVINGS):
        middle = ((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2)
        begin, end = (middle, end) if holds(*middle) == before else (begin, middle)
    return end


def _joined(segments: Sequence[tuple[Place, Place]]) -> list[list[Place]]:
    """Return segments that share an end as one line."""
    left, lines = list(segments), []
    while left:
        line = list(left.pop())
        while (found := next((one for one in left if line[-1] in one or line[0] in one), None)) is not None:
            left.remove(found)
            if line[0] in found:
                line.reverse()
            line.append(found[1] if found[0] == line[-1] else found[0])
        lines.append(line)
    return lines
