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
        "http://2130706433",
    ],
)
def test_any_other_host_is_refused_with_the_host_and_the_remedy(url: str) -> None:
    """A load generator aimed at somebody else is an attack."""
    with pytest.raises(UsageProblem, match=f"is not this machine.*{ALLOW_VARIABLE}=") as problem:
        check_target(url, allowed="")
    assert "\n" not in str(problem.value)
    assert problem.value.status == EXIT_USAGE


@pytest.mark.parametrize(
    "url",
    [
        None, "", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://h:port", "http://127.0.0.1/x",
        "http://localhost:99999",
    ],
)  # fmt: skip
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


@pytest.mark.parametrize(
    "address",
    [
        "localhost?.corp.example:80", "localhost?:80", "localhost#.corp.example:80", "localhost#", "localhost?",
        "user@localhost:80", "@localhost:80", "user@example.com", "127.0.0.1@example.com", "localhost\\.example:80",
        "local\thost:80", "localhost\n:80", " localhost:80", "localhost%2eexample:80", "lo,localhost:80",
    ],
)  # fmt: skip
def test_what_another_program_could_read_differently_is_refused(address: str) -> None:
    """Toxiproxy dials the text as it is: what a URL parser leaves out of the host must not be there; nor a user."""
    for allowed in ("", "localhost,example.com"):
        with pytest.raises(UsageProblem, match="not of the form"):
            check_target(f"http://{address}", allowed=allowed)
