"""`python -m benchmarks [PART ...]` measures and writes results.json; `--markdown` prints what is in it."""

import argparse
import json
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.table import render

RESULTS = Path(__file__).with_name("results.json")
PARTS = ("defences", "telemetry", "toxiproxy", "record")


def main(argv: list[str]) -> int:
    """Measure the parts that are asked for, all of them by default; the others keep the results they had."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of: {', '.join(PARTS)}")
    parser.add_argument("--markdown", action="store_true", help="print the results there are, and measure nothing")
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part {unknown[0]}; there are: {', '.join(PARTS)}")
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
