"""Experiments as the command line names them and as records name them: one of the checkout, or a file of one's own."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rulezero import checkout
from rulezero.errors import UsageProblem
from rulezero.experiment import Experiment

SUFFIX = ".toml"


def asked(name: str) -> Experiment:
    """Return the experiment of a name that `rulezero list` shows, or of a TOML file. Raises UsageProblem."""
    from rulezero.own_file import read_own

    if name.endswith(SUFFIX):
        checkout.require_checkout()  # Its load is sent by a locustfile of the checkout.
        return read_own(Path(name))
    return checkout.load_experiment(name)


def noted(experiment: Experiment) -> dict[str, Any]:
    """Return what a manifest says by which `recorded` finds the experiment again, and `changed` a change."""
    if experiment.own is None:
        return {"definition": checkout.fingerprint(experiment.name)}
    own = experiment.own
    return {"definition": _hash(own.text), "file": {"path": own.path, "text": own.text}}


def recorded(manifest: Mapping[str, Any]) -> Experiment:
    """Return the experiment of a record; a file of one's own is in the record. Raises UsageProblem."""
    from rulezero.own_file import experiment_from

    file = manifest.get("file")
    if file is None:
        return checkout.load_variant(str(manifest["experiment"]), manifest.get("variant"))
    try:
        path, text = Path(file["path"]), str(file["text"])
    except (TypeError, KeyError):
        raise UsageProblem("manifest.json: `file` needs path and text; run the experiment again") from None
    return experiment_from(text, path)


def changed(manifest: Mapping[str, Any]) -> bool:
    """Return whether the definition that a record was measured by is not the one that it is judged by."""
    if "file" in manifest:
        return False  # It is judged by the file as it was.
    return manifest.get("definition") != checkout.fingerprint(str(manifest["experiment"]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
