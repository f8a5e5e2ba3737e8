"""One pair of a series in one line, while the next one runs."""

from rulezero.analysis.pairs import asked_of, columns
from rulezero.report.compared import value_text
from rulezero.report.words import MISSING
from rulezero.series import Entry, Series


def pair_line(entry: Entry, series: Series) -> str:
    """Return what a pair says of the first measure that decides, by arm; of an invalid one, why it is."""
    asked = asked_of(series)
    pair = f"{entry.key.replace('-', ' ')} of {asked.pairs}"
    if not entry.valid:
        reason = next((line for one in entry.reasons for line in one.splitlines()), "no reason was recorded")
        return f"{pair}, seed {entry.seed}: invalid: {reason}"
    first = columns(asked)[0]
    values = {arm: first.value(entry, arm) for arm in (asked.control, *asked.treatments)}
    told = [f"{arm} {MISSING if value is None else value_text(value, first.unit)}" for arm, value in values.items()]
    what = first.text if asked.yardstick else first.name
    return f"{pair}, seed {entry.seed}: {what}: {', '.join(told)}"
