"""The last service of the chain is down: every connection to it is reset."""

from rulezero.faults import Signature, Toxic

LINK = "chain-c-chain-d"

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
