"""rulezero picture: the chart that shows a record's verdict, as one file for a README or a talk."""

import argparse
from pathlib import Path

from rulezero.cli.output import new_console
from rulezero.errors import StorageProblem, UsageProblem

NAME = "picture"
HELP = "draw the control against the best arm of a record, as SVG or PNG"
EXAMPLE = "rulezero picture runs/20261122T120000-cascading_failure --out picture.svg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("record", type=Path, help="the folder of a record")
    parser.add_argument("--out", type=Path, required=True, help="the file to write; .svg or .png says which")
    parser.add_argument(
        "--keep", type=Path, help="also write what a report needs of the record to this folder, and draw from that"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the verb."""
    from rulezero.record import read_record, write_text
    from rulezero.report.keep import keep
    from rulezero.report.picture import picture_png, picture_svg

    out: Path = arguments.out
    if out.suffix not in (".svg", ".png"):
        raise UsageProblem(f"{out} is neither .svg nor .png; give --out one of them")
    record = read_record(arguments.record)
    if arguments.keep is not None:
        record = read_record(keep(record, arguments.keep))
    svg = picture_svg(record)
    if out.suffix == ".svg":
        write_text(out, svg)
    else:
        try:
            out.write_bytes(picture_png(svg))
        except OSError as error:
            raise StorageProblem(f"{out}: {error.strerror}; choose another --out") from None
    new_console().print(f"picture: {out}", soft_wrap=True, highlight=False)
    return 0
