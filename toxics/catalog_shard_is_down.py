"""One of the catalog's processes is down: every connection to it is reset, the other one is well."""

from rulezero.faults import Signature, Toxic

LINK = "edge-catalog-2"

FAULT = Toxic(
    link=LINK,
    type="reset_peer",
    attributes={"timeout": 0},
    signature=Signature(
        metric="dependency_outcomes_total",
        labels={"link": LINK, "outcome": "ok"},
        ratio_max=0.2,
    ),
)
