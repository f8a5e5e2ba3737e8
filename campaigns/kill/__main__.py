"""python -m campaigns.kill --count 100 --seed 1: exit status 0 when nothing was found, 1 otherwise."""

import argparse
import signal
import sys
import time
from random import Random

from campaigns.kill.campaign import VICTIMS, Campaign
from campaigns.kill.moments import rehearse
from campaigns.kill.place import open_place
from campaigns.kill.standing import quick_start
from campaigns.summary import open_console, print_summary


def main(argv: list[str]) -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.kill", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="how many kills (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of victims and moments (default: %(default)s)")
    parser.add_argument("--victims", default=",".join(VICTIMS), help="names, separated by commas; default: all")
    arguments = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):  # Also when started in the background.
        signal.signal(number, signal.default_int_handler)
    console = open_console()
    console.print(f"kill campaign: {arguments.count} kills, seed {arguments.seed}")
    began_s = time.monotonic()
    with open_place() as place:
        for finding in quick_start(place):  # Makes the template, which a rehearsal would take for the usual.
            console.print(finding.text)
        rehearsal = rehearse(place)
        for folder in place.runs.iterdir():
            folder.rename(place.folder / folder.name)
        campaign = Campaign(place, rehearsal, Random(arguments.seed), console.print)
        result = campaign.run(arguments.count, tuple(arguments.victims.split(",")))
    title = f"seed {arguments.seed}: {result.kills.total()} kills in {time.monotonic() - began_s:.0f} s"
    print_summary(console, title, result.rows(), result.texts)
    return 1 if result.texts or result.kills.total() < arguments.count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
