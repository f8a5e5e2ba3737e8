"""One run, start to record: for each arm a fresh system, the load, the faults, and everything observed.

The only place that knows both ends: the lab and the load on one side, the record on the other.
"""
