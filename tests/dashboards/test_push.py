"""Boards to a Grafana over HTTP."""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.push import NotPushed, push
from tests.dashboards.fake_prometheus import answering

pytestmark = pytest.mark.wall_clock


def files(folder: Path) -> list[Path]:
    path = folder / "one.json"
    path.write_text(json.dumps({"uid": "bench-one", "title": "One"}), encoding="utf-8")
    return [path]


@pytest.mark.parametrize("known", [True, False])
def test_boards_are_put_into_their_folder(tmp_path: Path, *, known: bool) -> None:
    """Which is made where there is none; what was there before is replaced."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def grafana(path: str, form: dict[str, str]) -> tuple[int, Any]:
        asked.append((path, json.loads(form["body"]) if form.get("body") else {}))
        return 200, [{"uid": "bench"}] if known and path == "/api/folders" else [] if path == "/api/folders" else {}

    with answering(grafana) as url:
        assert push(url.removeprefix("http://"), "http", "admin:admin", files(tmp_path)) == 1
    path, sent = asked[-1]
    assert path == "/api/dashboards/db"
    assert sent == {"dashboard": {"uid": "bench-one", "title": "One"}, "folderUid": "bench", "overwrite": True}
    assert ({"uid": "bench", "title": "Bench"} in [body for _, body in asked]) is not known


def test_a_refusal_is_told(tmp_path: Path) -> None:
    """With the address, and what it said; nobody there is told the same way."""
    with (
        answering(lambda _path, _form: (401, {"message": "Unauthorized"})) as url,
        pytest.raises(NotPushed, match="did not take the boards"),
    ):
        push(url.removeprefix("http://"), "http", "token", files(tmp_path))
    with pytest.raises(NotPushed, match="did not take the boards"):
        push(url.removeprefix("http://"), "http", "token", files(tmp_path))
