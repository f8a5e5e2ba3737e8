"""The command line: one file for each verb.

A verb imports what it runs on when it runs: the parts it needs take seconds to import, and help or a typing error
should be answered at once.
"""

from rulezero.cli.main import main

__all__ = ["main"]
