import os
from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.lab.identity import Identity, assume, give, require_access


def test_staying_who_one_is_changes_nothing(tmp_path: Path) -> None:
    """An ordinary user needs none of it."""
    before = os.geteuid()
    assume(Identity())
    give(Identity(), tmp_path)
    require_access(Identity(), tmp_path)
    assert os.geteuid() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_are_given_away_whole(tmp_path: Path) -> None:
    """PostgreSQL wants to own its folder and everything in it."""
    (tmp_path / "data" / "base").mkdir(parents=True)
    (tmp_path / "data" / "base" / "1").touch()
    give(Identity(user=65534, group=65534), tmp_path / "data")
    owners = {path.stat().st_uid for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]}
    assert owners == {65534}


def test_a_folder_that_is_shut_to_the_other_user_is_named(tmp_path: Path) -> None:
    """Better than PostgreSQL's own words about a file far below."""
    shut = tmp_path / "shut"
    (shut / "open").mkdir(parents=True)
    shut.chmod(0o700)
    with pytest.raises(UsageProblem, match=r"is shut to the user nobody.*run as a user other than root"):
        require_access(Identity(user=os.geteuid() + 1, group=0), shut / "open" / "file")
