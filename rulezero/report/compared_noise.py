"""Two runs of the same in words: by how much they differ here, and how often that would be called an effect."""

from rulezero.analysis.noise import PAIRS, Noise, NoiseFloor
from rulezero.analysis.pairs import YARDSTICK
from rulezero.errors import EXIT_SUPPORTED, EXIT_UNKNOWN
from rulezero.report.compared import difference_text, measure_label, value_text
from rulezero.report.compared_page import Table, Told, invalid_line
from rulezero.report.words import MISSING, share


def tell(floor: NoiseFloor, *, folder: str = "FOLDER") -> Told:
    """Return what is told of a noise floor; `folder` is where its series is."""
    return Told(
        verb="aa",
        name=floor.experiment,
        question=f"What can be told from noise in {floor.experiment}, here?",
        lines=[_first(floor, folder), *_remarks(floor)],
        tone="invalid" if floor.ending == "invalid" else "unknown",
        tables=[_table(floor)],
        notes=_notes(floor),
        entries=floor.entries,
        host=floor.host,
        started_at=floor.started_at,
        reproduce=floor.reproduce,
    )


def exit_status(floor: NoiseFloor) -> int:
    """Return 0 when it was measured, 2 when too many pairs were invalid or are missing."""
    return EXIT_SUPPORTED if floor.ending == "complete" else EXIT_UNKNOWN


def _first(floor: NoiseFloor, folder: str) -> str:
    done = f"{floor.pairs} of {floor.pairs_asked} pairs"
    if floor.ending is None:
        return f"Unfinished: {done}. Go on: rulezero aa --resume {folder}"
    if floor.ending == "invalid":
        return f"Gave up after {done}, because too many were invalid. {invalid_line(floor.entries)}"
    told = [
        f"{_label(each)} {_points(each)}"
        for each in floor.measures
        if each.measure in (YARDSTICK, "goodput") and each.resolved is not None
    ]
    if not told:
        return f"{floor.arm} twice did not differ in what decides, in {floor.pairs} pairs."
    return f"The smallest effect that {PAIRS} pairs can tell here: {'; '.join(told)}."


def _remarks(floor: NoiseFloor) -> list[str]:
    remarks = [
        f"{_label(each)}: what ran second differs from what ran first: {_difference(each, in_order=True)}."
        for each in floor.measures
        if each.later.low > 0 or each.later.high < 0
    ]
    count = len(floor.entries) - floor.pairs
    if count and floor.ending != "invalid":
        repeated = "1 pair was" if count == 1 else f"{count} pairs were"
        remarks.append(f"{repeated} invalid, and repeated. {invalid_line(floor.entries)}")
    if floor.floors is None:
        remarks.append(f"Fewer than {PAIRS} pairs are no floor for `rulezero ab`.")
    return remarks


def _table(floor: NoiseFloor) -> Table:
    rows = [
        (
            _label(each),
            value_text(each.mean, each.unit),
            _difference(each, in_order=False),
            _difference(each, in_order=True),
            _points(each),
            share(each.resampled, 1),
            f"{each.blocks_called} of {each.blocks}",
        )
        for each in floor.measures
    ]
    return Table(
        title=f"{floor.arm} against itself, {floor.pairs} pairs",
        heads=(
            "measure", floor.arm, "again less first", "second less first in order", f"told by {PAIRS} pairs",
            "false calls", "in a row",
        ),
        rows=rows,
        details={_label(each): each.text for each in floor.measures if each.measure != YARDSTICK},
    )  # fmt: skip


def _notes(floor: NoiseFloor) -> list[str]:
    rule = (
        f"False calls are the share of draws of {PAIRS} of the differences, with random signs, that the rule of "
        "`rulezero ab` would call an effect without any floor, the worst case; in a row are the pairs as they came. An "
        "effect as large as what can be told is called in about half of such series, one twice as large in most."
    )
    notes = ["Intervals are at 95 % each, over pairs of runs; one in twenty misses 0 by chance.", rule]
    goes_by = f"`rulezero ab {floor.experiment}` goes by this floor when it is given the same --out."
    return [*notes, goes_by] if floor.floors else notes


def _label(noise: Noise) -> str:
    return measure_label(noise.measure, noise.text, noise.unit)


def _difference(noise: Noise, *, in_order: bool) -> str:
    found = noise.later if in_order else noise.again
    return difference_text(found.mean, found.low, found.high, noise.unit)


def _points(noise: Noise) -> str:
    if noise.resolved is None:
        return MISSING
    return value_text(noise.resolved, noise.unit).replace("%", "points")
