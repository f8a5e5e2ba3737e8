"""What an expression asks for, by its syntax tree."""

from dataclasses import dataclass

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, VectorSelector

from dashboards.model import Board
from dashboards.prometheus_api import Span, filled

SPAN = Span(start_s=0.0, end_s=120.0)


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector: its metric and the labels that it matches by, the values of those that must be equal."""

    metric: str
    labels: frozenset[str]
    equal: frozenset[tuple[str, str]]
    inside: str  # The function that takes its range; empty for an instant.


def parsed(text: str, board: Board) -> Expr:
    """Return the tree of an expression with the board's variables filled in."""
    return promql_parser.parse(filled(text, board, SPAN))


def selectors(tree: Expr) -> list[Selector]:
    """Return all selectors of an expression."""
    found: list[Selector] = []
    ranged: list[int] = []

    def visit(node: Expr) -> None:
        if isinstance(node, Call):
            for argument in node.args:
                if isinstance(argument, MatrixSelector):
                    found.append(_selector(argument.vector_selector, node.func.name))
                    ranged.append(1)
        elif isinstance(node, VectorSelector):
            found.append(_selector(node, ""))

    promql_parser.walk(tree, visit)
    # Walking goes into ranges as well: what a function took is not an instant too.
    taken = {(one.metric, one.labels) for one in found if one.inside}
    return [one for one in found if one.inside or (one.metric, one.labels) not in taken or not ranged]


def grouping_labels(tree: Expr) -> set[str]:
    """Return the labels that aggregations and matches name."""
    found: set[str] = set()

    def visit(node: Expr) -> None:
        if isinstance(node, AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)
        if isinstance(node, BinaryExpr) and node.modifier is not None:
            if node.modifier.matching is not None:
                found.update(node.modifier.matching.labels)
            found.update(node.modifier.group_labels or ())

    promql_parser.walk(tree, visit)
    return found


def made_labels(text: str) -> set[str]:
    """Return the labels that label_replace and label_join make, which no metric has."""
    return {"id", "source", "target"} if "label_replace" in text else set()


def _selector(node: VectorSelector, inside: str) -> Selector:
    matchers = node.matchers.matchers
    return Selector(
        metric=node.name or "",
        labels=frozenset(one.name for one in matchers),
        equal=frozenset((one.name, one.value) for one in matchers if one.op == promql_parser.MatchOp.Equal),
        inside=inside,
    )
