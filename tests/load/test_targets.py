import pytest

from rulezero.errors import EXIT_USAGE, UsageProblem
from rulezero.load.targets import ALLOW_VARIABLE, check_target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("http://localhost:8000/", ("localhost", 8000)),
        ("http://127.8.9.1", ("127.8.9.1", 80)),
        ("http://[::1]:8000", ("::1", 8000)),
    ],
)
def test_this_machine_may_be_loaded(url: str, target: tuple[str, int]) -> None:
    """Every spelling of loopback is a target."""
    assert check_target(url, allowed="") == target


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://127.0.0.1.example.com:80",
        "http://10.0.0.1:8000",
        "http://0.0.0.0:8000",
        "http://user@example.com",
        "http://127.0.0.1@example.com",
    ],
)
def test_any_other_host_is_refused_with_the_host_and_the_remedy(url: str) -> None:
    """A load generator aimed at somebody else is an attack."""
    with pytest.raises(UsageProblem, match=f"is not this machine.*{ALLOW_VARIABLE}=") as problem:
        check_target(url, allowed="")
    assert "\n" not in str(problem.value)
    assert problem.value.status == EXIT_USAGE


@pytest.mark.parametrize(
    "url", [None, "", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://h:port", "http://127.0.0.1/x"]
)
def test_what_is_no_target_is_refused(url: str | None) -> None:
    """A malformed address is named as such, not taken for a host."""
    with pytest.raises(UsageProblem, match=r"no target|not of the form|write http"):
        check_target(url, allowed="")


def test_the_user_may_name_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts named in the variable, and only those, are allowed."""
    monkeypatch.setenv(ALLOW_VARIABLE, "edge, staging.test")
    assert check_target("http://edge:8000") == ("edge", 8000)
    assert check_target("http://STAGING.test") == ("staging.test", 80)
    with pytest.raises(UsageProblem):
        check_target("http://example.com")
