"""`python -m benchmarks [PART ...]` measures and writes results.json; `--markdown` prints what is in it.

`python -m benchmarks instrument` is apart: it takes half an hour, writes instrument.json, prints docs/instrument.md.
"""

import argparse
import json
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.instrument_page import page
from benchmarks.table import render

RESULTS = Path(__file__).with_name("results.json")
INSTRUMENT_RESULTS = Path(__file__).with_name("instrument.json")
INSTRUMENT = "instrument"
PARTS = ("defences", "telemetry", "toxiproxy", "record")
LENGTH_S, LENGTH_S_MAX, REPETITIONS, SEED = 60.0, 3600.0, 5, 1


def main(argv: list[str]) -> int:
    """Measure the parts that are asked for, all of them by default; the others keep the results they had."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of: {', '.join(PARTS)}; or {INSTRUMENT}, alone")
    parser.add_argument("--markdown", action="store_true", help="print the results there are, and measure nothing")
    about = f"of {INSTRUMENT}; default: %(default)s"
    parser.add_argument("--seconds", type=float, default=LENGTH_S, help=f"length of a run {about}")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help=f"runs of a point {about}")
    parser.add_argument("--seed", type=int, default=SEED, help=f"the first of them {about}")
    arguments = parser.parse_args(argv)
    if arguments.parts == [INSTRUMENT]:
        return _instrument(parser, arguments)
    unknown = sorted(set(arguments.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part {unknown[0]}; there are: {', '.join(PARTS)}; {INSTRUMENT} goes alone")
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if not arguments.markdown:
        for name in arguments.parts or PARTS:
            # Imported only now: the parts need libraries that reading the results does not.
            print(f"measuring {name}", file=sys.stderr, flush=True)  # noqa: T201 - it takes minutes.
            results[name] = import_module(f"benchmarks.{name}").measure()
            results["python"] = platform.python_version()
            RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(render(results))
    return 0


def _instrument(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if not arguments.markdown:
        if not (1 <= arguments.seconds <= LENGTH_S_MAX and arguments.repetitions >= 1):
            parser.error(f"--seconds must be 1 to {LENGTH_S_MAX:g}, --repetitions 1 or more")
        from benchmarks.instrument import measure

        found = measure(length_s=arguments.seconds, repetitions=arguments.repetitions, seed=arguments.seed)
        INSTRUMENT_RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if not INSTRUMENT_RESULTS.exists():
        parser.error(f"there are no results yet; measure them: python -m benchmarks {INSTRUMENT}")
    sys.stdout.write(page(json.loads(INSTRUMENT_RESULTS.read_text(encoding="utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
