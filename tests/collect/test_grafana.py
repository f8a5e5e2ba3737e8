"""Regions on Grafana's charts, through `grafana-api`: what is sent, and that every refusal is one line."""

import pytest

from rulezero.collect.grafana import (
    ADDRESS_VARIABLE,
    LOGIN_VARIABLE,
    Grafana,
    Region,
    annotate,
    check,
    find_grafana,
    update,
)
from rulezero.errors import Problem, UsageProblem
from rulezero.lab.proxies import reach_loopback_directly
from tests.collect.grafana_server import FakeGrafana, serving

REGION = Region(tags=("rulezero", "arm"), text="none", start_s=1_795_000_000.1234, end_s=1_795_000_034.1234)


@pytest.fixture(autouse=True)
def _directly() -> None:
    reach_loopback_directly()


@pytest.mark.wall_clock
def test_a_region_is_drawn_and_later_lengthened() -> None:
    """Of no board, so that every board that shows its tags shows it; in milliseconds."""
    with serving(FakeGrafana()) as fake:
        grafana = Grafana(fake.url)
        check(grafana)
        number = annotate(grafana, REGION)
        first = dict(fake.annotations[number])
        update(grafana, number, Region(tags=REGION.tags, text="none", start_s=REGION.start_s, end_s=1_795_000_040))
    assert first == {
        "dashboardId": None, "panelId": None, "time": 1795000000123, "timeEnd": 1795000034123,
        "tags": ["rulezero", "arm"], "text": "none",
    }  # fmt: skip
    assert fake.annotations[number]["timeEnd"] == 1795000040000
    assert fake.asked == ["GET /api/health", "POST /api/annotations", f"PUT /api/annotations/{number}"]


@pytest.mark.wall_clock
@pytest.mark.parametrize(
    ("login", "header"), [("a:b", "Basic YTpi"), ("glsa_token", "Bearer glsa_token"), ("", "Basic YWRtaW46YWRtaW4=")]
)
def test_a_login_is_a_token_or_user_and_password(login: str, header: str) -> None:
    """Without one, what a fresh Grafana has."""
    with serving(FakeGrafana()) as fake:
        found = find_grafana("", {ADDRESS_VARIABLE: fake.url, LOGIN_VARIABLE: login})
        assert found is not None
        check(found)
    assert fake.logins == {header}


@pytest.mark.wall_clock
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, None), (400, None), (404, "no such page"), (500, None), (502, "a message of a proxy"),
        (200, "no JSON"), (200, "[]"), (200, "{}"), (200, '{"id": null}'),
    ],
)  # fmt: skip
def test_every_refusal_is_one_line(status: int, body: str | None) -> None:
    """Refused, broken, or somebody else who listens there: the line names the address and the variables."""
    fake = FakeGrafana()
    fake.status, fake.body = status, body
    with serving(fake):
        for ask in (lambda: check(Grafana(fake.url)), lambda: annotate(Grafana(fake.url), REGION)):
            with pytest.raises(Problem, match=f"Grafana at {fake.url} refused: .*; see {ADDRESS_VARIABLE}") as problem:
                ask()
            assert "\n" not in str(problem.value)


@pytest.mark.wall_clock
def test_nobody_there_is_one_line() -> None:
    """A Grafana that is not up."""
    with pytest.raises(Problem, match=r"Grafana at http://127\.0\.0\.1:1 refused: "):
        check(Grafana("http://127.0.0.1:1/"))


def test_where_grafana_is() -> None:
    """The variable comes first, then the lab's own; a path before its pages is kept."""
    assert find_grafana("", {}) is None
    own, named = find_grafana("127.0.0.1:3000", {}), find_grafana("127.0.0.1:3000", {ADDRESS_VARIABLE: "https://g/x/"})
    assert own is not None
    assert named is not None
    assert (own.url, own.api.api.url) == ("http://127.0.0.1:3000", "http://127.0.0.1:3000/api")
    assert (named.url, named.api.api.url) == ("https://g/x", "https://g/x/api")


@pytest.mark.parametrize("address", ["127.0.0.1:3000", "ftp://g", "http://", "http://g:0", "http://g:x", "http://[::1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """In one line, before anything runs."""
    with pytest.raises(UsageProblem, match=r"is no address; write http://127\.0\.0\.1:3000"):
        find_grafana("", {ADDRESS_VARIABLE: address})
