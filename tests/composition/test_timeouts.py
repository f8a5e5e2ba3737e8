"""The timeouts of services/config/defences.toml, along every path of the shop."""

import json
from itertools import product
from pathlib import Path

import pytest

from rulezero.defences.deadline import DeadlineConfig
from rulezero.defences.timeout import TimeoutConfig
from rulezero.toggles.store import ToggleStore

SERVICES = ("edge", "catalog", "checkout", "payment", "inventory", "mailer")
STORE = ToggleStore(Path("services/config/defences.toml"), clock=lambda: 0.0)


def hops() -> set[tuple[str, str]]:
    """Return who calls whom, by the names of the links."""
    names = [link["name"].split("-") for link in json.loads(Path("toxics/links.json").read_text(encoding="utf-8"))]
    return {(caller, callee) for caller, callee, *_ in names if caller in SERVICES}


NESTED = sorted((outer, inner) for outer, inner in product(hops(), hops()) if outer[1] == inner[0])


@pytest.mark.parametrize(("outer", "inner"), NESTED, ids=lambda hop: "-".join(hop))
def test_each_timeout_fires_before_the_deadline_of_its_caller(outer: tuple[str, str], inner: tuple[str, str]) -> None:
    """Else breaker and throttle in the middle would see nothing but cancellations. Room for work is left, too."""
    toggle = STORE.current["timeout"]
    limits: list[float] = []
    for _, callee in (outer, inner):
        config = toggle.config_for(callee)
        assert isinstance(config, TimeoutConfig)
        limits.append(config.timeout_s)
    margins = STORE.current["deadline"].config
    assert isinstance(margins, DeadlineConfig)
    assert limits[1] < 0.8 * (limits[0] - margins.margin_s)


def test_there_are_such_paths() -> None:
    """Those that matter most among them."""
    assert (("edge", "catalog"), ("catalog", "replica")) in NESTED
    assert (("checkout", "payment"), ("payment", "primary")) in NESTED
    assert (("edge", "checkout"), ("checkout", "queue")) in NESTED
