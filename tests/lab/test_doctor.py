import resource
from pathlib import Path

import pytest

from rulezero.lab import doctor
from rulezero.lab.identity import Identity
from tests.lab.support import CHECKOUT, leftovers


@pytest.mark.parametrize(
    ("finding", "ok"),
    [
        (doctor.judge_memory(doctor.MEMORY_MIN_BYTES), True),
        (doctor.judge_memory(doctor.MEMORY_MIN_BYTES - 1), False),
        (doctor.judge_cores(2), True),
        (doctor.judge_cores(1), False),
        (doctor.judge_open_files(doctor.OPEN_FILES_MIN), True),
        (doctor.judge_open_files(1024), False),
        (doctor.judge_open_files(resource.RLIM_INFINITY), True),
    ],
)
def test_a_limit_is_judged_and_the_remedy_is_there(finding: doctor.Finding, ok: bool) -> None:  # noqa: FBT001 - a case.
    """Just enough is enough, and what is too little comes with what to do."""
    assert finding.ok is ok
    assert finding.remedy


def test_a_folder_needs_room_and_permission(tmp_path: Path) -> None:
    """A folder that does not exist yet is made."""
    assert doctor.judge_room("cache folder", tmp_path / "new" / "one", 1, "XDG_CACHE_HOME").ok
    assert not doctor.judge_room("cache folder", tmp_path, 2**70, "XDG_CACHE_HOME").ok
    (tmp_path / "file").touch()
    found = doctor.judge_room("cache folder", tmp_path / "file" / "below", 1, "XDG_CACHE_HOME")
    assert not found.ok
    assert "Not a directory" in found.detail
    assert "XDG_CACHE_HOME" in found.remedy


def test_who_postgresql_runs_as_is_told() -> None:
    """Root is given something else to be, and the user should know what."""
    assert "user namespace" in doctor.judge_identity(Identity(namespace=True)).detail
    assert "user 65534" in doctor.judge_identity(Identity(user=65534, group=65534)).detail
    assert "root" not in doctor.judge_identity(Identity()).detail


@pytest.mark.wall_clock
async def test_the_whole_examination_of_this_machine(place: Path) -> None:
    """Every point is looked at, and looking leaves nothing."""
    found = {finding.name: finding for finding in await doctor.examine(CHECKOUT)}
    assert {"postgresql", "cache server", "queue server", "toxiproxy", "ports", "memory", "cores"} < found.keys()
    assert found["postgresql"].detail.startswith("18.")
    assert found["processes"].ok
    assert leftovers(place) == []


@pytest.mark.wall_clock
async def test_a_missing_program_does_not_hide_the_rest(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong and what to do are told apart."""
    monkeypatch.setenv("RULEZERO_CACHE_SERVER", "/no/such/server")
    found = {finding.name: finding for finding in await doctor.examine(CHECKOUT)}
    assert found["cache server"] == doctor.Finding(
        "cache server", "RULEZERO_CACHE_SERVER=/no/such/server is no program", ok=False, remedy="correct or unset it"
    )
    assert found["processes"].ok
    assert leftovers(place) == []


@pytest.mark.wall_clock
async def test_what_the_lab_can_do_without_is_no_fault(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus and Grafana are told, missing or not; a variable that names nothing is a fault."""
    monkeypatch.setenv("RULEZERO_PROMETHEUS", "")
    monkeypatch.setenv("RULEZERO_GRAFANA_SERVER", "/no/such/grafana")
    found = {finding.name: finding for finding in await doctor.examine(CHECKOUT)}
    assert found["prometheus"] == doctor.Finding("prometheus", "none; the lab does without")
    assert not found["grafana"].ok
    assert leftovers(place) == []
