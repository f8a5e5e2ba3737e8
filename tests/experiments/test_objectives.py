"""What an experiment holds its error budget against is what users are promised."""

import tomllib
from pathlib import Path

from rulezero.checkout import experiment_names, load_experiment

ROOT = Path(__file__).parents[2]


def test_objectives_are_those_of_the_slo() -> None:
    """For every route that dashboards/slo.toml promises answers on; every promise is met by some experiment."""
    promises = tomllib.loads((ROOT / "dashboards/slo.toml").read_text(encoding="utf-8"))["slo"]
    promised = {route: slo["objective"] for slo in promises if "within_s" not in slo for route in slo["routes"]}
    held = set()
    for experiment in map(load_experiment, experiment_names()):
        routes = {stream.route for stream in experiment.streams} & promised.keys()
        assert {promised[route] for route in routes} <= {experiment.objective}, experiment.name
        held |= routes
    assert held == promised.keys()
