"""python -m campaigns.predictions --seeds 3: exit status 0 when every run was valid and supported, 1 otherwise.

About three quarters of an hour a seed. A valid run that the folder has already is not made again, so that an
interrupted campaign goes on; `--markdown` prints what was found and runs nothing.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import orjson

from campaigns.predictions.found import Run, found_in
from campaigns.predictions.page import page
from rulezero import checkout
from rulezero.errors import EXIT_OF_VERDICT, UsageProblem
from rulezero.record import write_json, write_text

SEEDS, SEEDS_MAX = 3, 100
KEPT = Path("docs/records/predictions.json")
PAGE = Path("docs/predictions.md")


def main(argv: list[str]) -> int:
    """Run what is missing, and write the page after each run."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.predictions", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 1 on (default: %(default)s)")
    parser.add_argument("--experiments", default="", help="names, separated by commas; default: all that predict")
    parser.add_argument("--out", type=Path, default=Path("runs/predictions"), help="where records go")
    parser.add_argument("--markdown", action="store_true", help="print the page, and run nothing")
    arguments = parser.parse_args(argv)
    if not 1 <= arguments.seeds <= SEEDS_MAX:
        parser.error(f"--seeds must be 1 to {SEEDS_MAX}")
    try:
        predicting = [name for name in checkout.experiment_names() if checkout.load_experiment(name).predictions]
        names = arguments.experiments.split(",") if arguments.experiments else predicting
        if strange := sorted(set(names) - set(predicting)):
            parser.error(f"no experiment that predicts: {strange[0]}; there are: {', '.join(predicting)}")
        if not arguments.markdown:
            _run(names, range(1, arguments.seeds + 1), arguments.out)
    except UsageProblem as problem:
        parser.error(str(problem))
    if not KEPT.exists():
        parser.error("nothing was measured yet; leave --markdown out")
    runs: list[Run] = orjson.loads(KEPT.read_bytes())["runs"]
    sys.stdout.write(page(runs))
    return 0 if all(run["verdict"] == "supported" for run in runs) else 1


def _run(names: list[str], seeds: range, out: Path) -> None:
    if runs := found_in(out):
        _keep(runs)
    for seed in seeds:
        for name in names:
            if any((run["experiment"], run["seed"]) == (name, seed) and not run["invalid_reasons"] for run in runs):
                continue
            sys.stderr.write(f"{name}, seed {seed}\n")
            command = [sys.executable, "-m", "rulezero", "run", name, "--seed", str(seed), "--out", str(out), "--quiet"]
            status = subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
            if status not in EXIT_OF_VERDICT.values():
                raise UsageProblem(f"{name} could not be run (exit {status}); mend what it says and begin this again")
            _keep(runs := found_in(out))


def _keep(runs: list[Run]) -> None:
    write_json(KEPT, {"runs": runs})
    write_text(PAGE, page(runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
