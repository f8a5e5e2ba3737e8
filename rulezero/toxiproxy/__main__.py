"""`python -m rulezero.toxiproxy`."""

import sys

from rulezero.toxiproxy.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
