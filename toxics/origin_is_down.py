"""The origin of all cached items is down: both databases reset every connection of the catalog."""

from rulezero.faults import Signature, Toxic

FAULTS = tuple(
    Toxic(
        link=link,
        type="reset_peer",
        attributes={"timeout": 0},
        signature=Signature(
            metric="dependency_outcomes_total",
            labels={"link": link, "outcome": "error"},
            increase_min=3,
        ),
    )
    for link in ("catalog-replica", "catalog-primary")
)
