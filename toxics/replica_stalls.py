"""The replica stalls: its answers are held back, and all come when it goes on.

Nothing is lost, and that is the trouble: what piled up meanwhile has to be worked off as well.
"""

from rulezero.faults import Signature, Toxic

FAULT = Toxic(
    link="catalog-replica",
    type="latency",
    attributes={"latency": 60_000},  # Longer than any fault phase; what is held is let go with the toxic.
    signature=Signature(
        metric="dependency_outcomes_total",
        labels={"link": "catalog-replica", "outcome": "ok"},
        ratio_max=0.6,  # Samples are a second apart, and a stall is short.
    ),
)
