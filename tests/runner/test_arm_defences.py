"""The defences of an arm, as real admin ports take them: what its experiment has for every arm, and its own."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rulezero.errors import Problem
from rulezero.experiment import Arm, Experiment, Stream
from rulezero.lab.lab import Lab
from rulezero.runner.annotations import Annotations
from rulezero.runner.arm import ArmRun
from rulezero.service.admin import start_admin
from rulezero.toggles.settings import NAMES
from rulezero.toggles.store import ToggleStore
from tests.runner.fakes import NOBODY
from tests.toggles.manual import store_on

pytestmark = pytest.mark.wall_clock

INSTANCES = ("edge", "catalog-1")


@contextmanager
def admin_ports() -> Iterator[dict[str, tuple[str, ToggleStore]]]:
    """Run an admin port for each instance; give their addresses and what is in force behind them."""
    with ExitStack() as ports:
        opened = {}
        for instance in INSTANCES:
            listener = ports.enter_context(socket.create_server(("127.0.0.1", 0)))
            store, _ = store_on()
            ports.callback(start_admin(listener, store=store, healthy=lambda: True).shutdown)
            opened[instance] = (f"127.0.0.1:{listener.getsockname()[1]}", store)
        yield opened


def arm_run(arm: Arm, addresses: dict[str, str], *, base: tuple[str, ...] = ()) -> ArmRun:
    experiment = Experiment(
        name="sample", question="?", prediction=".", streams=(Stream(route="browse", rate_rps=1),), arms=(arm,),
        demo_arms=(), faults=(), checks=(), base=base,
    )  # fmt: skip
    return ArmRun(
        experiment=experiment,
        arm=arm,
        seed=1,
        lab=cast("Lab", SimpleNamespace(admin_addresses=addresses, endpoint_inside=str)),
        spans=cast("Any", None),
        annotations=Annotations(None, experiment.name, lambda _: None),
        folder=Path(),
        manifest={"arms": [{"name": arm.name}]},
    )


async def enabled_by(arm: Arm, *, base: tuple[str, ...] = ()) -> set[str]:
    """Return what is on in every instance, after the manifest has said the same."""
    with admin_ports() as opened:
        run = arm_run(arm, {instance: address for instance, (address, _) in opened.items()}, base=base)
        await run._set_defences()
        on = [{name for name, toggle in store.current.items() if toggle.enabled} for _, store in opened.values()]
    (noted,) = run.manifest["arms"]
    assert on == [set(noted["defences"])] * len(INSTANCES)
    assert set(noted["in_force"]) == set(noted["defences"])
    return on[0]


@pytest.mark.parametrize(
    ("base", "defences", "expected"),
    [
        ((), (), set()),
        (("timeout", "retry"), (), {"timeout", "retry"}),
        (("timeout", "retry"), ("deadline",), {"timeout", "retry", "deadline"}),
        (("timeout",), ("timeout", "bulkhead"), {"timeout", "bulkhead"}),
        ((), ("coalescing",), {"coalescing"}),
    ],
)
async def test_an_arm_has_what_all_have_and_its_own(
    base: tuple[str, ...], defences: tuple[str, ...], expected: set[str]
) -> None:
    """In every process, and nothing besides; the control has what all have."""
    assert await enabled_by(Arm(name="one", defences=defences), base=base) == expected


@pytest.mark.parametrize(("preset", "expected"), [("none", set()), ("all", set(NAMES))])
async def test_a_preset_is_taken_as_it_is(preset: str, expected: set[str]) -> None:
    """What all others have does not come on top of it."""
    assert await enabled_by(Arm(name="one", preset=preset), base=("deadline",)) == expected


async def test_numbers_reach_what_all_have_too() -> None:
    """An arm may differ from the control by a number alone."""
    arm = Arm(name="one", numbers={"retry": {"attempts_max": 7}})
    with admin_ports() as opened:
        run = arm_run(arm, {instance: address for instance, (address, _) in opened.items()}, base=("retry",))
        await run._set_defences()
    assert run.manifest["arms"][0]["in_force"]["retry"]["attempts_max"] == 7


async def test_a_defence_that_is_not_there_is_told() -> None:
    """By the arm and by who refused it."""
    with admin_ports() as opened:
        run = arm_run(Arm(name="one"), {"edge": opened["edge"][0]}, base=("prayer",))
        with pytest.raises(Problem, match=r"^arm one: edge refused its defences: .*prayer"):
            await run._set_defences()


async def test_a_process_that_is_gone_is_told() -> None:
    """Before the load begins."""
    run = arm_run(Arm(name="one"), {"edge": NOBODY})
    with pytest.raises(Problem, match=r"^arm one: edge did not take its defences: "):
        await run._set_defences()


async def test_one_service_that_was_started_again_is_told_alone() -> None:
    """The others keep theirs, and what they have learnt."""
    with admin_ports() as opened:
        run = arm_run(Arm(name="one", defences=("timeout",)), {name: address for name, (address, _) in opened.items()})
        first, *others = opened
        await run._set_defences(first)
        on = {name: store.current["timeout"].enabled for name, (_, store) in opened.items()}
    assert on == {first: True, **dict.fromkeys(others, False)}
    assert run.manifest["arms"][0]["defences"] == ["timeout"]


def test_an_arm_may_set_what_no_defence_does() -> None:
    """On top of what its experiment sets, for the same service and for others."""
    arm = Arm(name="one", services={"edge": {"RULEZERO_SLOTS": "9"}, "payment": {"RULEZERO_PREFETCH": "5"}})
    run = arm_run(arm, {})
    run.spans = cast("Any", SimpleNamespace(endpoint="http://127.0.0.1:1"))
    run.experiment = replace(run.experiment, services={"edge": {"RULEZERO_SLOTS": "1", "RULEZERO_SERVICE_S": "0.1"}})
    found = run._environment()
    assert found["edge"] == {"RULEZERO_SLOTS": "9", "RULEZERO_SERVICE_S": "0.1"}
    assert found["payment"] == {"RULEZERO_PREFETCH": "5"}
    assert set(found) == {"*", "edge", "payment"}
