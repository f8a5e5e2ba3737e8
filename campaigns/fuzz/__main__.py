"""python -m campaigns.fuzz --count 5000 --seed 1: exit status 0 when every input was handled, 1 otherwise."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from campaigns.fuzz.campaign import TARGETS, run
from campaigns.summary import open_console, print_summary


def main(argv: list[str]) -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="how many inputs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of every input (default: %(default)s)")
    parser.add_argument("--targets", default="", help="names, separated by commas; default: all")
    arguments = parser.parse_args(argv)
    names = [name.strip() for name in arguments.targets.split(",") if name.strip()]
    targets = [kind for kind in TARGETS if not names or kind.name in names]
    console = open_console()
    console.print(f"fuzz campaign: {arguments.count} inputs, seed {arguments.seed}")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-campaign-") as folder:
        result = run(Path(folder), arguments.count, arguments.seed, console.print, targets)
    title = f"seed {arguments.seed}: {result.inputs} inputs in {time.monotonic() - began_s:.0f} s"
    print_summary(console, title, result.rows(), result.texts)
    return 1 if result.texts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
