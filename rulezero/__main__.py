"""`python -m rulezero` is `rulezero`."""

import sys

from rulezero.cli import main

sys.exit(main())
