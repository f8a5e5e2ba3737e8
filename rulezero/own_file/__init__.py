"""The TOML file that makes an experiment of somebody's own service; docs/own_service.md explains its keys."""

from rulezero.own_file.experiment import experiment_from, read_own

__all__ = ["experiment_from", "read_own"]
