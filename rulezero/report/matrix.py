"""A matrix of defences for a terminal and as Markdown: the arms, what each defence does, and the pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rulezero.report.effects import escaped, level, markdown_table, with_interval
from rulezero.report.words import MISSING, number

Matrix = Mapping[str, Any]
Row = tuple[str, ...]

ARM_HEADS = ("arm", "defences", "measured", "rounds")
DEFENCE_HEADS = ("defence", "alone, beside none", "", "all, beside all without it", " ")
PAIR_HEADS = ("pair", "together beyond the sum", "together", "beside the first alone", "beside the second alone")
_SAYS = {"better": "better", "worse": "worse", "nothing": "no difference", "not clear": "not clear"}
_PER_CENT = 100.0


def unit(matrix: Matrix) -> str:
    """Return the unit of differences."""
    return matrix["yardstick"] or "points of goodput"


def scale(matrix: Matrix) -> float:
    """Return what differences are multiplied with to be in their unit."""
    return 1.0 if matrix["yardstick"] else _PER_CENT


def measured_by(matrix: Matrix) -> str:
    """Return what is compared, how, and from what on a difference is called one, or none."""
    by = matrix["yardstick"] or "share of what was offered from the fault on that was good, %"
    floor, margin = (number(matrix[name] * scale(matrix)) for name in ("floor", "margin"))
    told = ", as `rulezero aa` measured here" if matrix["floor_measured"] else ""
    turned = "; less is better, and differences are turned so that more is better" if matrix["yardstick"] else ""
    return (
        f"Measured: {by}{turned}. Differences are within a round, of runs under the same arrivals; ranges hold "
        f"together for each question in 95 of 100 matrices. A difference is called when all of its range is beyond "
        f"{floor}{told}, and none when all of it is within {margin}; anything else is not clear. "
        f"{matrix['rounds']} of {matrix['rounds_asked']} rounds were valid, from seed {matrix['seed']}."
    )


def terms() -> str:
    """Return what the words of the pairs mean."""
    return (
        "Together beyond the sum: both - one - other + none. A pair overlaps when it does less than the sum but no "
        "worse than either alone: each saves what the other saves. It fights when together it does worse than one of "
        "them alone."
    )


def arm_rows(matrix: Matrix) -> list[Row]:
    """Return the cells of `ARM_HEADS`."""
    return [
        (arm["name"], ", ".join(arm["defences"]) or "none", level(_effect(arm), scale(matrix)), str(arm["rounds"]))
        for arm in matrix["arms"]
    ]


def defence_rows(matrix: Matrix) -> list[Row]:
    """Return the cells of `DEFENCE_HEADS`: what each does alone, and what all have by it."""
    rows: list[Row] = []
    for name in matrix["defences"]:
        alone, without = matrix["alone"][name], matrix["without"][name]
        told = [(with_interval(_effect(one), scale(matrix)), _SAYS[one["says"]]) for one in (alone, without)]
        rows.append((name, *told[0], *told[1]))
    return rows


def pair_rows(matrix: Matrix) -> list[Row]:
    """Return the cells of `PAIR_HEADS`."""
    by = scale(matrix)
    return [
        (
            " + ".join(pair["pair"]),
            with_interval(_effect(pair["interaction"]), by),
            pair["says"],
            *(with_interval(_effect(pair["than_alone"][name]), by) for name in pair["pair"]),
        )
        for pair in matrix["pairs"]
    ]


def notes(matrix: Matrix) -> list[str]:
    """Return what else one must know: defences that did nothing, and rounds that do not count, with the reasons."""
    idle = [f"{name} was on, but never decided anything" for name in matrix["not_exercised"]]
    return [*idle, *(f"{one['round']} is invalid: {_first_lines(one['reasons'])}" for one in matrix["invalid"])]


def _first_lines(reasons: Sequence[str]) -> str:
    """Return the reasons in one line: what follows the first of each is the end of a log."""
    return "; ".join(reason.partition("\n")[0] for reason in reasons)


def report(matrix: Matrix) -> str:
    """Return report.md."""
    blocks = [
        f"## Matrix of {escaped(matrix['experiment'])}: {escaped(matrix['question'])}",
        f"**{escaped(matrix['summary'])}**",
        escaped(measured_by(matrix)),
        f"### What each defence does, {escaped(unit(matrix))}",
        _markdown(DEFENCE_HEADS, defence_rows(matrix)),
        f"### Pairs, {escaped(unit(matrix))}",
        _markdown(PAIR_HEADS, pair_rows(matrix)),
        escaped(terms()),
        "### Arms",
        _markdown(ARM_HEADS, arm_rows(matrix)),
        "\n".join(f"- {escaped(line)}" for line in notes(matrix)),
        "### How to reproduce it",
        f"    {matrix['reproduce']}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def print_matrix(matrix: Matrix, console: Console, *, page: str) -> None:
    """Print the matrix; `page` is the path of its HTML."""
    console.print()
    console.print(Text(f"{matrix['experiment']}: {matrix['question']}", style="bold"))
    for heads, rows in (
        (ARM_HEADS, arm_rows(matrix)),
        (DEFENCE_HEADS, defence_rows(matrix)),
        (PAIR_HEADS[:3], [row[:3] for row in pair_rows(matrix)]),
    ):
        grid = Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            grid.add_row(*(Text(cell) for cell in row))
        console.print(grid)
    for line in (measured_by(matrix), *notes(matrix)):
        console.print(line, markup=False, highlight=False)
    console.print(Text(matrix["summary"], style="bold"))
    console.print(f"report: {page}", markup=False, highlight=False, soft_wrap=True)


def _effect(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return None if found["mean"] is None else found


def _markdown(heads: Sequence[str], rows: Sequence[Row]) -> str:
    return markdown_table(heads, [[escaped(cell) or MISSING for cell in row] for row in rows])
