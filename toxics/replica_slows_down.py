"""The replica slows down: every answer takes a while longer, so all that wait for it hold on longer too."""

from rulezero.faults import Signature, Toxic

SLOWER_S = 0.4

FAULT = Toxic(
    link="catalog-replica",
    type="latency",
    attributes={"latency": round(SLOWER_S * 1000)},
    signature=Signature(
        metric="dependency_outcomes_total",
        labels={"link": "catalog-replica", "outcome": "ok"},
        ratio_max=0.5,
    ),
)
