"""The shop's load: the routes of the edge.

By hand: `locust -f loadtests/shop.py -H http://127.0.0.1:PORT [Browse Search Checkout]`, with `--headless -u RATE` or
with Locust's page; one user is one arrival a second. `--class-picker` offers the closed-loop users too. A load shape
works as in any locustfile. Under a plan (RULEZERO_LOAD_PLAN, set by `rulezero run`) exactly the plan is sent.
"""

from loadtests.by_hand import HandClosedLoopUser, HandOpenLoopUser, install, refuse
from loadtests.planned import PlannedRun, PlannedUser, plan_from_environment
from loadtests.streams import Request, Routes
from rulezero.errors import UsageProblem
from rulezero.experiment import Keys


def _browse(key: int, _operation_id: str) -> Request:
    return Request(method="GET", path=f"/browse/{key}")


def _search(key: int, _operation_id: str) -> Request:
    return Request(method="GET", path=f"/search?q={key}")


def _checkout(key: int, operation_id: str) -> Request:
    body = f'{{"item":{key},"operation_id":"{operation_id}"}}'.encode()
    return Request(method="POST", path="/checkout", body=body)


def _offers(key: int, _operation_id: str) -> Request:
    return Request(method="GET", path=f"/offers/{key}")


def _receipt(_key: int, operation_id: str) -> Request:
    return Request(method="POST", path="/receipts", body=f'{{"operation_id":"{operation_id}"}}'.encode())


def _chain(_key: int, _operation_id: str) -> Request:
    return Request(method="GET", path="/chain")


def _charge(_key: int, _operation_id: str) -> Request:
    return Request(method="POST", path="/charges", body=b'{"order":1,"cents":1999}')


# The last two are no routes of the edge: one of the lab that services/chain/lab.toml describes, one of payment itself.
ROUTES: Routes = {
    "browse": _browse,
    "search": _search,
    "checkout": _checkout,
    "offers": _offers,
    "receipt": _receipt,
    "chain": _chain,
    "charge": _charge,
}
ITEMS = Keys(low=3, high=100, skew=1.0)  # 1 and 2 are heavy: they are for the herd

try:
    PLAN = plan_from_environment(ROUTES)
except UsageProblem as problem:
    refuse(problem)


class Planned(PlannedUser):
    """A stream of the plan."""

    abstract = PLAN is None
    routes = ROUTES


class Browse(HandOpenLoopUser):
    """Look at an item."""

    abstract = PLAN is not None
    routes, route, keys = ROUTES, "browse", ITEMS


class Search(HandOpenLoopUser):
    """Search for an item."""

    abstract = PLAN is not None
    routes, route, keys = ROUTES, "search", ITEMS


class Checkout(HandOpenLoopUser):
    """Buy an item."""

    abstract = PLAN is not None
    routes, route, keys = ROUTES, "checkout", ITEMS


class BrowseClosed(HandClosedLoopUser):
    """Look at an item, wait for it, think."""

    abstract = PLAN is not None
    routes, route, keys = ROUTES, "browse", ITEMS


class SearchClosed(HandClosedLoopUser):
    """Search for an item, wait for it, think."""

    abstract = PLAN is not None
    routes, route, keys = ROUTES, "search", ITEMS


class CheckoutClosed(HandClosedLoopUser):
    """Buy an item, wait for it, think."""

    abstract = PLAN is not None
    routes, route, keys = ROUTES, "checkout", ITEMS


if PLAN is None:
    install()
else:
    Planned.run_of = PlannedRun(PLAN, ROUTES)
