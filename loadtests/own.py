"""The load of somebody's own service, whose routes are in the plan itself: `rulezero run FILE.toml`.

By hand there is nothing for it to send: use a locustfile of your own.
"""

import os
from functools import partial
from pathlib import Path

from loadtests.by_hand import refuse
from loadtests.planned import PlannedRun, PlannedUser
from loadtests.streams import Request, Routes
from rulezero.errors import UsageProblem
from rulezero.experiment import HttpRequest
from rulezero.load.plan import PLAN_VARIABLE, LoadPlan, read_plan


def make(form: HttpRequest, key: int, operation_id: str) -> Request:
    """Return the request of a route for a key."""

    def filled(text: str) -> str:
        # Not `format`: a body of JSON has braces of its own.
        return text.replace("{key}", str(key)).replace("{operation_id}", operation_id)

    return Request(method=form.method, path=filled(form.path), body=filled(form.body).encode(), headers=form.headers)


def routes_of(plan: LoadPlan) -> Routes:
    """Return the routes of a plan that says what each sends."""
    return {stream.route: partial(make, stream.request) for stream in plan.streams if stream.request is not None}


def _plan() -> LoadPlan:
    path = os.environ.get(PLAN_VARIABLE)
    if not path:
        raise UsageProblem(f"{PLAN_VARIABLE} is not set; this locustfile is for `rulezero run FILE.toml`")
    plan = read_plan(Path(path))
    if len(routes_of(plan)) < len(plan.streams):
        raise UsageProblem("load plan: a stream says no request; this locustfile knows none")
    return plan


try:
    PLAN = _plan()
except UsageProblem as problem:
    refuse(problem)


class Planned(PlannedUser):
    """A stream of the plan."""

    routes = routes_of(PLAN)


Planned.run_of = PlannedRun(PLAN, Planned.routes)
