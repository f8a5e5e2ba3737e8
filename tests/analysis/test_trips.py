"""What decisions of defences count as when nothing is wrong."""

import ast
from pathlib import Path

import pytest

import rulezero.defences
from rulezero.analysis.trips import ACTS, counted, kind_of
from rulezero.defences import CATALOGUE

FOLDER = Path(rulezero.defences.__file__).parent
NOTHING_DONE = {
    "admitted", "accepted", "allowed", "propagated", "leader", "holder", "granted", "not_retryable", "exhausted",
    "no_time", "budget_empty", "copy_refused",
}  # fmt: skip


def words(defence: str) -> set[str]:
    """Return every text in a defence's file: what it decides is among them."""
    tree = ast.parse((FOLDER / f"{defence}.py").read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize(
    ("defence", "decision", "kind"),
    [
        ("timeout", "timed_out", "false trips"),
        ("retry", "scheduled", "false trips"),
        ("retry_budget", "refused", "false trips"),
        ("circuit_breaker", "rejected", "false trips"),
        ("circuit_breaker", "opened", None),
        ("coalescing", "follower", "acts"),
        ("coalescing", "load_timed_out", "false trips"),
        ("early_expiration", "refreshed", "acts"),
        ("early_expiration", "capped", None),
        ("hedging", "hedged", "acts"),
        ("hedging", "primary_won", None),
        ("bulkhead", "admitted", None),
        ("timeout", "thought_about_it", "false trips"),
    ],
)
def test_what_a_decision_counts_as(defence: str, decision: str, kind: str | None) -> None:
    """Once each: what only says how something ended is not counted again; what nobody knows is a false trip."""
    assert counted(defence, decision) == kind


@pytest.mark.parametrize("defence", [one.name for one in CATALOGUE])
def test_what_is_listed_is_decided_somewhere(defence: str) -> None:
    """A decision that was renamed would otherwise become a false trip."""
    assert set(ACTS.get(defence, ())) <= words(defence)
    assert kind_of(defence) == ("acts" if defence in ACTS else "false trips")


def test_to_let_pass_is_nothing() -> None:
    """In no defence that says so."""
    idle = {decision for one in CATALOGUE for decision in one.idle_decisions}
    assert idle >= NOTHING_DONE
    for one in CATALOGUE:
        assert [counted(one.name, decision) for decision in one.idle_decisions] == [None] * len(one.idle_decisions)
