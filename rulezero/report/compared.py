"""A comparison of arms in words: the verdict first, harm before anything else, then what was measured."""

import math
from collections.abc import Mapping, Sequence

from rulezero.analysis.compared import Comparison, Effect, Treatment
from rulezero.analysis.paired import Call
from rulezero.analysis.pairs import YARDSTICK
from rulezero.errors import EXIT_REFUTED, EXIT_SUPPORTED, EXIT_UNKNOWN
from rulezero.report.charts.differences import LEGEND, by_pair, strip
from rulezero.report.compared_page import Table, Told, Tone, invalid_line
from rulezero.report.effects import signed
from rulezero.report.sections import Cell, Section
from rulezero.report.words import MISSING, number

_ORDER: Sequence[Call] = ("harms", "helps", "no effect", "inconclusive")
_SAID: Mapping[Call, str] = {
    "harms": " HARMS",
    "helps": " helps",
    "no effect": " has no effect",
    "inconclusive": ": inconclusive",
}
_TONES: Mapping[int, Tone] = {EXIT_SUPPORTED: "supported", EXIT_REFUTED: "refuted", EXIT_UNKNOWN: "unknown"}


def tell(comparison: Comparison, *, folder: str = "FOLDER") -> Told:
    """Return what is told of a comparison; `folder` is where its series is."""
    status = exit_status(comparison)
    return Told(
        verb="ab",
        name=comparison.experiment,
        question=_question(comparison),
        lines=[*_ended(comparison, folder), *sentences(comparison), *_remarks(comparison)],
        tone="invalid" if comparison.ending == "invalid" else _TONES[status],
        tables=[_table(comparison, each) for each in comparison.treatments],
        notes=_notes(comparison),
        entries=comparison.entries,
        host=comparison.host,
        started_at=comparison.started_at,
        reproduce=comparison.reproduce,
    )


def exit_status(comparison: Comparison) -> int:
    """Return 0 when every treatment helps or has no effect, 1 when one harms, 2 when that cannot be said."""
    calls = {each.call for each in comparison.treatments}
    if comparison.ending in (None, "invalid"):
        return EXIT_UNKNOWN
    if "harms" in calls:
        return EXIT_REFUTED
    return EXIT_UNKNOWN if "inconclusive" in calls else EXIT_SUPPORTED


def sentences(comparison: Comparison) -> list[str]:
    """Return what is said of each treatment, those that harm first; before that, where there are several, of all."""
    ranked = sorted(comparison.treatments, key=lambda each: _ORDER.index(each.call))
    brief = ["; ".join(f"{each.arm}{_SAID[each.call]}" for each in ranked) + "."] if len(ranked) > 1 else []
    return [*brief, *(_sentence(comparison, each) for each in ranked)]


def charts(comparison: Comparison) -> list[Section]:
    """Return the differences of each treatment: of what decides by pair, of every measure as a strip."""
    found = []
    for place, treatment in enumerate(comparison.treatments):
        cells = []
        if (effect := treatment.deciding) is not None:
            what = f"{label(effect)}, {_unit(effect)}by pair"
            figure = by_pair(effect, f"{what}, {treatment.arm}", f"{_short(effect)}.", f"pairs-{place}")
            cells.append(Cell(heading=what, figure=figure))
        for number_, each in enumerate(treatment.effects):
            said = f": {each.outside}" if each.outside else ""
            heading = f"{label(each)}, {_unit(each)}difference{said}"
            figure = strip(each, f"{heading}, {treatment.arm}", f"{_short(each)}.", f"strip-{place}-{number_}")
            cells.append(Cell(heading=heading, figure=figure))
        found.append(
            Section(
                key=f"differences-{place}",
                title=f"{treatment.arm} less {comparison.control}, pair by pair",
                note="Every circle is one pair of runs under the same arrivals. Each chart has a scale of its own.",
                cells=cells,
                legend=LEGEND,
                absent="" if cells else "No valid pair was measured.",
            )
        )
    return found


def label(effect: Effect) -> str:
    """Return a measure's name as text has it."""
    return measure_label(effect.measure, effect.text, effect.unit)


def measure_label(measure: str, text: str, unit: str) -> str:
    """Return a measure's name as text has it, where its values have their unit; of the yardstick what it is."""
    return text if measure == YARDSTICK else measure.removesuffix(f"_{unit}").replace("_", " ")


def value_text(value: float, unit: str) -> str:
    """Return a measure's value with its unit."""
    return f"{number(100 * value)} %" if unit == "share" else f"{number(value)} {unit}".rstrip()


def difference_text(mean: float, low: float, high: float, unit: str) -> str:
    """Return a difference with its sign, its unit and its interval, as in "+12 points [+9, +15]"."""
    scale = 100.0 if unit == "share" else 1.0
    named = "points" if unit == "share" else unit
    ends = f"{signed(low, scale)}, {signed(high, scale)}" if math.isfinite(low) else "one pair has no interval"
    return f"{signed(mean, scale)} {named}".rstrip() + f" [{ends}]"


def _question(comparison: Comparison) -> str:
    *others, last = (each.arm for each in comparison.treatments)
    asked = f"Do {', '.join(others)} and {last}" if others else f"Does {last}"
    return f"{asked} help in {comparison.experiment}, against {comparison.control}?"


def _sentence(comparison: Comparison, treatment: Treatment) -> str:
    said = f"{treatment.arm}{_SAID[treatment.call]}"
    effect = treatment.deciding
    if effect is None:
        what = treatment.decided_by.replace("_", " ")
        return f"{said}: {what} was not measured in both arms of any pair."
    values = f"{value_text(effect.treatment, effect.unit)} with it, {value_text(effect.control, effect.unit)} with"
    text = f"{said}: {label(effect)} {values} {comparison.control}: {_short(effect)}."
    return f"{text} {_more(comparison, treatment)}".rstrip()


def _more(comparison: Comparison, treatment: Treatment) -> str:
    """Say what it would take to settle what is not, and what "no effect" leaves open."""
    if treatment.call == "no effect":
        rare = 1 - comparison.error_rate ** (1 / comparison.pairs)
        return f"What happens in fewer than {rare:.0%} of runs may not have been seen in {comparison.pairs} pairs."
    if treatment.call != "inconclusive" or comparison.ending is None or comparison.pairs < 2:
        return ""
    if treatment.more_pairs is not None:
        count = comparison.pairs + treatment.more_pairs
        return f"A new series with --pairs {count} would settle it if they came out alike."
    if comparison.ending == "invalid":
        return ""
    return "A thousand pairs like these would not settle it."


def _short(effect: Effect) -> str:
    found = effect.interval
    return difference_text(found.mean, found.low, found.high, effect.unit)


def _unit(effect: Effect) -> str:
    named = "points" if effect.unit == "share" else effect.unit
    return f"{named}, " if named else ""


def _ended(comparison: Comparison, folder: str) -> list[str]:
    """Say, before anything else, why there is no verdict."""
    done = f"{comparison.pairs} of {comparison.pairs_asked} pairs"
    if comparison.ending is None:
        return [f"Unfinished: {done}. Go on: rulezero ab --resume {folder}"]
    if comparison.ending == "invalid":
        return [f"No verdict: gave up after {done}, because too many were invalid. {invalid_line(comparison.entries)}"]
    return []


def _remarks(comparison: Comparison) -> list[str]:
    remarks = [
        f"{each.arm}: on, but never decided anything: {', '.join(each.never_decided)}."
        for each in comparison.treatments
        if each.never_decided
    ]
    count = len(comparison.entries) - comparison.pairs
    if count and comparison.ending != "invalid":
        repeated = "1 pair was" if count == 1 else f"{count} pairs were"
        remarks.append(f"{repeated} invalid, and repeated. {invalid_line(comparison.entries)}")
    if comparison.ending == "clear":
        remarks.append(f"Stopped after {comparison.pairs} of {comparison.pairs_asked} pairs: it was clear.")
    return remarks


def _table(comparison: Comparison, treatment: Treatment) -> Table:
    rows = [
        (
            label(each),
            value_text(each.control, each.unit),
            value_text(each.treatment, each.unit),
            _short(each),
            (f"{treatment.call} (decides)" if each is treatment.deciding else each.outside) or MISSING,
        )
        for each in treatment.effects
    ]
    pairs = "1 pair" if comparison.pairs == 1 else f"{comparison.pairs} pairs"
    return Table(
        title=f"{treatment.arm} against {comparison.control}, {pairs}",
        heads=("measure", comparison.control, treatment.arm, "difference [low, high]", ""),
        rows=rows,
        details={label(each): each.text for each in treatment.effects if each.measure != YARDSTICK},
    )


def _notes(comparison: Comparison) -> list[str]:
    deciding = [each.deciding for each in comparison.treatments if each.deciding is not None]
    floors = dict.fromkeys(
        f"{label(each)}: {value_text(each.floor, each.unit).replace('%', 'points')}" for each in deciding
    )
    source = (
        f"as `rulezero aa` found it here ({comparison.floors_from})"
        if comparison.floors_from is not None
        else f"`rulezero aa {comparison.experiment}` finds what this machine can tell"
    )
    called = [f"The smallest effect that is called is {'; '.join(floors)}: {source}."] if floors else []
    sure = f"{100 * (1 - comparison.error_rate):.0f} %"
    together = f"what decides holds for all looks and treatments together in {sure} of series"
    return [f"Intervals are over pairs of runs; that of {together}.", *called]
