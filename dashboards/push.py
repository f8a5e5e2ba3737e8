"""To a Grafana that does not read the folder of boards: the same boards through its HTTP API."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests
from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace

FOLDER_UID, FOLDER = "bench", "Bench"
_TIMEOUT_S = 10.0


class NotPushed(Exception):
    """Grafana is not there, or refuses; the message says which and why."""


def push(host: str, protocol: str, login: str, files: Iterable[Path]) -> int:
    """Create or replace the boards and return how many; `login` is a token, or user:password.

    Raises:
        NotPushed: Grafana did not take them.

    """
    user, colon, password = login.partition(":")
    auth: Any = (user, password) if colon else login
    grafana = GrafanaFace(auth=auth, host=host, protocol=protocol, timeout=_TIMEOUT_S)
    count = 0
    try:
        known = {folder["uid"] for folder in grafana.folder.get_all_folders()}
        if FOLDER_UID not in known:
            grafana.folder.create_folder(FOLDER, FOLDER_UID)
        for file in files:
            board = json.loads(file.read_text(encoding="utf-8"))
            grafana.dashboard.update_dashboard({"dashboard": board, "folderUid": FOLDER_UID, "overwrite": True})
            count += 1
    except (GrafanaException, requests.RequestException) as error:
        raise NotPushed(f"{protocol}://{host} did not take the boards: {error}") from None
    return count
