"""Payment hangs: connections stay open and nothing comes back.

Worse than a dead service: a refused connection fails at once, a hanging one holds whoever waits.
"""

from rulezero.faults import Signature, Toxic

FAULT = Toxic(
    link="checkout-payment",
    type="timeout",
    attributes={"timeout": 0},  # 0: hold the data until the toxic is removed
    signature=Signature(
        metric="dependency_outcomes_total",
        labels={"link": "checkout-payment", "outcome": "ok"},
        ratio_max=0.2,
    ),
)
