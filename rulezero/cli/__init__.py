"""The command line: one file for each verb."""

from rulezero.cli.main import main

__all__ = ["main"]
