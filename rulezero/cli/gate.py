"""rulezero gate: a record against a baseline, for a CI server."""

import argparse
from pathlib import Path

from rulezero.cli.output import new_console
from rulezero.errors import EXIT_UNKNOWN, StorageProblem, UsageProblem

NAME = "gate"
HELP = "compare a record or a series of `rulezero ab` with a baseline (exit: 0 all held, 1 one failed, 2 cannot say)"
EXAMPLE = "rulezero gate runs/20261122T120000-cascading_failure --baseline baseline.json --fail-on 'goodput_hold < -5%'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("record", type=Path, help="the folder of a record or of a series of `rulezero ab`")
    parser.add_argument("--baseline", type=Path, help="a verdict.json, a series.json, or a file that --save wrote")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="RULE",
        help="'[ARM.]MEASURE < NUMBER[%%]' or >: the change that fails; %% is points for shares; may be given again",
    )
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML: a test case for each rule and arm")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="append a Markdown summary to this file")
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="write this record's measures as a baseline to keep; with --baseline only if all rules held",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.analysis.snapshot import encode, read_snapshot
    from rulezero.record import write_text

    if bool(arguments.fail_on) != bool(arguments.baseline):
        raise UsageProblem("a gate needs --baseline and --fail-on; give both")
    if not arguments.save and not arguments.baseline:
        raise UsageProblem("nothing to do; give --baseline and --fail-on, or --save")
    if not arguments.baseline and (arguments.junit or arguments.summary):
        raise UsageProblem("--junit and --summary tell of a comparison; give --baseline and --fail-on")
    now = read_snapshot(arguments.record)
    status = _compared(arguments) if arguments.baseline else 0
    if not arguments.save:
        return status
    problem = "not all rules held" if status else ""
    if now.reasons:
        problem = f"the run is invalid: {now.reasons[0]}"
    if problem:
        new_console().print(f"not saved: {problem}", soft_wrap=True, markup=False, highlight=False)
        return status or EXIT_UNKNOWN
    write_text(arguments.save, encode(now))
    new_console().print(f"baseline: {arguments.save}", soft_wrap=True, markup=False, highlight=False)
    return status


def _compared(arguments: argparse.Namespace) -> int:
    from rich.table import Table
    from rich.text import Text

    from rulezero.analysis.gate import compare, exit_status, parse_rule
    from rulezero.analysis.snapshot import read_snapshot
    from rulezero.record import write_text
    from rulezero.report.gate import HEADS, cells, junit, outcome, summary

    rules = [parse_rule(text) for text in arguments.fail_on]
    baseline, now = read_snapshot(arguments.baseline), read_snapshot(arguments.record)
    cases = compare(rules, baseline, now)
    if arguments.junit:
        write_text(arguments.junit, junit(now.experiment, cases))
    if arguments.summary:
        _append(arguments.summary, summary(now.experiment, cases))
    console = new_console()
    table = Table(*HEADS, box=None, pad_edge=False)
    for case in cases:
        table.add_row(*(Text(cell) for cell in cells(case)))
    console.print(table)
    console.print(outcome(now.experiment, cases), markup=False, highlight=False)
    return exit_status(cases)


def _append(path: Path, text: str) -> None:
    """Add to what is there: the file that GitHub Actions shows may hold what other steps wrote."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageProblem(f"{path}: {error.strerror}; choose another --summary") from None
