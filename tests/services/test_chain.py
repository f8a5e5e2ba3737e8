import json
from pathlib import Path

import pytest

from rulezero.defences.circuit_breaker import BreakerOpen
from rulezero.dependencies.http import HttpReply
from rulezero.lab.description import PROGRAM_PARTS, read_description
from rulezero.lab.links import read_links
from rulezero.outcome import CallError, Failed, Rejected, TimedOut, Unreachable
from services.chain.app import SLOTS, create_app, next_of
from tests.services.fakes import Shop

ROOT = Path(__file__).parents[2]
LINKS = ("chain-a-chain-b", "chain-b-chain-c", "users-chain")


def chain(service: str) -> Shop:
    return Shop(create_app, service=service, links=LINKS)


@pytest.mark.parametrize(
    ("service", "links", "following"),
    [
        ("chain-a", LINKS, "chain-b"),
        ("chain-b", LINKS, "chain-c"),
        ("chain-c", LINKS, None),
        ("chain-b", reversed(LINKS), "chain-c"),
        ("chain-a", [], None),
        ("chain-1", ["chain-10-chain-11", "chain-2-chain-3"], None),
        ("chain-1", ["chain-10-chain-11", "chain-1-chain-2"], "chain-2"),
        ("chain-10", ["chain-1-chain-2", "chain-10-chain-11"], "chain-11"),
        ("chain-2", ["chain-1-chain-2"], None),  # Where a link leads to is not where it begins.
    ],
)
def test_the_next_one_is_where_the_link_from_here_leads(service: str, links: list[str], following: str | None) -> None:
    """First, middle and last; names that begin alike are not confused."""
    assert next_of(service, links) == following


async def test_the_first_and_the_middle_ask_the_next_one_once_and_pass_on_what_it_says() -> None:
    """Its status too; it may be asked again without harm."""
    for service, following in (("chain-a", "chain-b"), ("chain-b", "chain-c")):
        shop = chain(service)
        shop.services[following].answer = HttpReply(status=203, body=b'{"last":"chain-c"}')
        answer = await shop.get("/chain")
        assert (answer.status, answer.data) == (203, {"last": "chain-c"})
        assert shop.log == [(following, "GET /chain", None)]
        assert shop.services[following].repeatable == [True]


async def test_the_last_one_answers() -> None:
    """And has nobody to ask."""
    shop = chain("chain-c")
    answer = await shop.get("/chain")
    assert (answer.status, answer.data) == (200, {"last": "chain-c"})
    assert (shop.log, shop.services) == ([], {})


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (Failed("x"), 502, "error"),
        (Unreachable("x"), 502, "error"),
        (TimedOut("x"), 504, "timeout"),
        (Rejected("x"), 503, "rejected"),
        (BreakerOpen("x"), 503, "rejected"),
    ],
)
async def test_what_went_wrong_further_down_is_told(error: CallError, status: int, outcome: str) -> None:
    """So that whoever is above knows whether to try again."""
    shop = chain("chain-a")
    shop.services["chain-b"].answer = error
    answer = await shop.get("/chain")
    assert (answer.status, answer.headers["x-outcome"]) == (status, outcome)


def test_it_has_room_for_what_many_layers_of_retries_make() -> None:
    """Else it would be its slots that an experiment looks at."""
    assert chain("chain-a").app.slots == SLOTS
    assert SLOTS >= 5 * 3**3


def test_the_lab_starts_one_chain_from_first_to_last() -> None:
    """Following the links from the entry one meets every service once, in the order in which they are written."""
    description = read_description(ROOT / "services/chain/lab.toml", ROOT)
    names = [service.name for service in description.services]
    links = [link.name for link in read_links(description.links_path, {*names, *PROGRAM_PARTS})]
    upstream = {one["name"]: one["upstream"] for one in json.loads(description.links_path.read_text(encoding="utf-8"))}
    met = [str(upstream[description.entry]).partition(":")[0]]
    while following := next_of(met[-1], links):
        met.append(following)
        assert len(met) <= len(names)
    assert met == names
