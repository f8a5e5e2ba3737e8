"""rulezero doctor: everything is shown, and what is lacking decides the exit status."""

from pathlib import Path

import pytest

from rulezero.cli import main
from rulezero.errors import EXIT_UNAVAILABLE
from rulezero.lab.description import ShopDescription
from rulezero.lab.doctor import Finding

WELL = Finding("memory", "8 GB free")
LACKING = Finding("cache", "no server", ok=False, remedy="install valkey")


@pytest.mark.parametrize(
    ("findings", "status"), [([], 0), ([WELL], 0), ([WELL, LACKING], EXIT_UNAVAILABLE), ([LACKING], EXIT_UNAVAILABLE)]
)
def test_what_is_lacking_is_said_with_its_remedy(
    findings: list[Finding], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each finding, one more for what to do."""

    async def examine(root: Path) -> list[Finding]:
        assert (root / "experiments").is_dir()
        return findings

    monkeypatch.setattr("rulezero.lab.doctor.examine", examine)
    assert main(["doctor"]) == status
    told = capsys.readouterr().out
    assert [name in told for name in ("8 GB free", "no server", "-> install valkey")] == [
        WELL in findings, LACKING in findings, LACKING in findings,
    ]  # fmt: skip


def test_what_containers_need_is_another_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked of the shop that compose.yaml holds, and nothing else is looked at."""

    async def examine(description: ShopDescription) -> list[Finding]:
        assert "edge" in [service.name for service in description.services]
        return [LACKING]

    monkeypatch.setattr("rulezero.lab.compose_doctor.examine_compose", examine)
    assert main(["doctor", "--target", "compose"]) == EXIT_UNAVAILABLE
    assert capsys.readouterr().out.count("NO") == 1
