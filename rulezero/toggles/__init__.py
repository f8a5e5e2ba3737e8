"""Which defences are on, with which numbers: one file, hot reloaded, overridable for a while."""
