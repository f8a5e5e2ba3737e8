"""Hostile inputs: every one ends in a result, in one line, or in an answer; never in a traceback or in silence."""
