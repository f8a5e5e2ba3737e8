"""How often breakers opened."""

import polars as pl

from rulezero.analysis.breakers import breakers
from rulezero.record import TABLES


def test_openings_and_their_time() -> None:
    """Two openings of two seconds in all; one that stayed closed is there too."""
    seen = {"payment": [0, 2, 1, 2, 0], "catalog": [0, 0, 0, 0, 0]}
    metrics = pl.DataFrame(
        [
            ("none", float(second), "edge", "circuit_breaker_state", f'dependency="{dependency}"', float(state))
            for dependency, states in seen.items()
            for second, state in enumerate(states)
        ],
        schema={"arm": pl.String, **TABLES["metrics"][1]}, orient="row",
    )  # fmt: skip
    assert breakers(metrics) == [
        {"process": "edge", "dependency": "catalog", "opened": 0, "open_s": 0.0},
        {"process": "edge", "dependency": "payment", "opened": 2, "open_s": 2.0},
    ]
    assert breakers(metrics.clear()) == []
