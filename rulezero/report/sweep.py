"""A sweep in words: for a terminal and as Markdown; `sweep_page` draws its map."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rulezero.analysis.sweep_points import told
from rulezero.report.charts.vulnerability import foretold, seconds
from rulezero.report.effects import escaped, markdown_table
from rulezero.report.words import MISSING, number, share

Sweep = Mapping[str, Any]

HEADS = ("State", "Back", "Predicted", "As predicted", "Good in the fault", "Hold", "Seed")
TERMS = (
    "Robust: goodput never fell. Recovered: it came back to 90 % of the baseline for good. Metastable: it was not back "
    "at the end of a hold of at least ten timeouts, although the fault was over. Predicted: the closed form of the "
    "experiment; a point is as predicted when it came back, or stayed down to the end of its hold, as that says."
)
_STYLES = {"robust": "green", "recovered": "blue", "metastable": "bold red"}
_COLUMN_WIDTH = 13


def heads(sweep: Sweep) -> list[str]:
    """Return the heads of the table of points."""
    return [*(axis["name"] for axis in sweep["vary"]), *HEADS]


def rows(sweep: Sweep) -> list[list[str]]:
    """Return the points as a table, a row each."""
    return [
        [
            *(told(point["at"][axis["name"]]) for axis in sweep["vary"]),
            point["state"],
            seconds(point) or MISSING,
            foretold(point) or MISSING,
            {True: "yes", False: "no", None: MISSING}[point["as_predicted"]],
            share(point["kept_fault"], 1),
            f"{number(point['hold_s'])} s",
            ", ".join(str(run["seed"]) for run in point["runs"]) or MISSING,
        ]
        for point in sweep["points"]
    ]


def invalid_lines(sweep: Sweep) -> list[str]:
    """Return why runs were invalid, one line each; also of points whose second run was not."""
    return [
        f"{name_of(point)}, seed {run['seed']} ({run['record']}): {_first_line(reason)}"
        for point in sweep["points"]
        for run in point["runs"]
        if not run["valid"]
        for reason in run["reasons"][:1]
    ]


def name_of(point: Mapping[str, Any]) -> str:
    """Return what a point is called."""
    return ", ".join(f"{name} {told(value)}" for name, value in point["at"].items())


def seeds(sweep: Sweep) -> str:
    """Return the seeds in words."""
    return f"seed{'s' if len(sweep['seeds']) > 1 else ''} {', '.join(str(seed) for seed in sweep['seeds'])}"


def measured_by(sweep: Sweep) -> str:
    """Return when, where and how it was measured."""
    host, runs = sweep["host"], sum(len(point["runs"]) for point in sweep["points"])
    return (
        f"{runs} runs of {sweep['experiment']} with {sweep['arm']}, {seeds(sweep)}, begun {sweep['started_at']} on "
        f"{host.get('cores', MISSING)} cores, Python {host.get('python', MISSING)}."
    )


def report(sweep: Sweep) -> str:
    """Return report.md."""
    invalid = invalid_lines(sweep)
    blocks = [
        f"## Sweep of {escaped(sweep['experiment'])} with {escaped(sweep['arm'])}",
        f"**{escaped(sweep['summary'])}**",
        "![The map](map.svg)",
        markdown_table(
            [escaped(head) for head in heads(sweep)], [[escaped(one) for one in row] for row in rows(sweep)]
        ),
        TERMS,
        "### Invalid runs" if invalid else "",
        "\n".join(f"- {escaped(line)}" for line in invalid),
        "### How to reproduce it",
        f"    {' '.join(sweep['reproduce'].split())}",
        escaped(measured_by(sweep)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def point_line(point: Mapping[str, Any]) -> str:
    """Return what came out at a point in a line."""
    expected = foretold(point)
    back = f" {seconds(point)}" if seconds(point) else ""
    reason = next((f": {_first_line(run['reasons'][0])}" for run in point["runs"][-1:] if run["reasons"]), "")
    return f"{name_of(point)}: {point['state']}{back}{f' (predicted: {expected})' if expected else ''}{reason}"


def _first_line(reason: str) -> str:
    """Return what a reason says before it quotes a log."""
    return next(iter(reason.splitlines()), "")


def print_sweep(sweep: Sweep, console: Console, *, page: str) -> None:
    """Print the map as a grid, or as lines where that does not fit; `page` is the path of the report."""
    console.print()
    console.print(f"{sweep['experiment']} with {sweep['arm']}", style="bold", markup=False)
    columns = 1 + len(sweep["vary"][0]["values"])
    if console.width >= columns * _COLUMN_WIDTH:
        console.print(_grid(sweep))
    else:
        for point in sweep["points"]:
            console.print(point_line(point), markup=False, highlight=False)
    for line in invalid_lines(sweep):
        console.print(f"invalid: {line}", markup=False, highlight=False)
    console.print(sweep["summary"], markup=False, highlight=False)
    if any(point["as_predicted"] is False for point in sweep["points"]):
        console.print("* not as predicted", markup=False, highlight=False)
    console.print(f"report: {page}", markup=False, highlight=False, soft_wrap=True)


def _grid(sweep: Sweep) -> Table:
    """Return the map: the first parameter to the right, the second up, as in the picture."""
    across, *more = sweep["vary"]
    corner = f"{more[0]['name']} by {across['name']}" if more else across["name"]
    grid = Table(corner, *(told(value) for value in across["values"]), box=box.SIMPLE_HEAD, pad_edge=False)
    for head, points in _lines(sweep, across["name"], more):
        grid.add_row(head, *(_cell(point) for point in points))
    return grid


def _lines(
    sweep: Sweep, across: str, more: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Yield the lines of the grid from above: what each is called, and its points from the left."""
    points = sorted(sweep["points"], key=lambda point: float(point["at"][across]))
    if not more:
        yield "", points
        return
    for value in reversed(more[0]["values"]):
        yield told(value), [point for point in points if point["at"][more[0]["name"]] == value]


def _cell(point: Mapping[str, Any]) -> Text:
    """Return the state of a point, how long it took, and in brackets how long was predicted."""
    mark = " *" if point["as_predicted"] is False else ""
    back = {"robust": "0 s", "recovered": f"{number(point['recovery_s'])} s"}
    down = f"> {number(point['hold_s'])} s" if point["state"] in ("metastable", "undecided") else ""
    expected = f"({foretold(point)})" if foretold(point) else ""
    lines = (f"{point['state']}{mark}", back.get(point["state"], down), expected)
    return Text("\n".join(line for line in lines if line), style=_STYLES.get(point["state"], ""))
