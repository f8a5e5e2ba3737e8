"""A matrix of defences as one HTML file that opens offline, with a heat map of the pairs."""

from collections.abc import Mapping
from typing import Any

from rulezero.report import matrix as words
from rulezero.report.charts.pairs import pairs
from rulezero.report.html import environment, library


def render_matrix(matrix: Mapping[str, Any]) -> str:
    """Return the page of matrix.json."""
    figure = pairs(matrix["pairs"], matrix["defences"], scale=words.scale(matrix), unit=words.unit(matrix))
    return (
        environment()
        .get_template("matrix.html.jinja")
        .render(
            matrix=matrix,
            figure=figure,
            tables=(
                ("What each defence does", words.DEFENCE_HEADS, words.defence_rows(matrix)),
                ("Pairs", words.PAIR_HEADS, words.pair_rows(matrix)),
                ("Arms", words.ARM_HEADS, words.arm_rows(matrix)),
            ),
            unit=words.unit(matrix),
            measured_by=words.measured_by(matrix),
            terms=words.terms(),
            notes=words.notes(matrix),
            specs={figure.key: figure.spec} if figure else {},
            library=library(),
        )
    )
