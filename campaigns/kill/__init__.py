"""kill -9 of everything, at any moment: nothing may survive it, and the next start works."""
