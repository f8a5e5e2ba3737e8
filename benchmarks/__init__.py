"""What the suite itself costs, measured side by side with what else there is: `make bench`, or `python -m benchmarks`.

Each part is a module with `measure() -> dict`. Figures of one machine mean little, ratios within one run mean much: so
whatever is compared runs in turns, many times, and medians are told. Time is the CPU's unless a name says otherwise.
"""
