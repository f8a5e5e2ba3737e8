"""The one chart that shows the verdict of a record: its control against its best arm."""

from rulezero.analysis import series
from rulezero.record import Record
from rulezero.report.charts.frame import Figure, time_axis
from rulezero.report.charts.goodput import comparison
from rulezero.report.tables import best_arm


def comparison_of(record: Record) -> Figure | None:
    """Return the chart; without a verdict the first defended arm stands for the best, without rows there is none."""
    control = record.verdict.get("control") or record.manifest.get("control", "")
    names = [arm["name"] for arm in record.manifest.get("arms", ())]
    best = best_arm(record.verdict)
    others = [best["name"]] if best else [name for name in names if name != control][:1]
    axis = time_axis(record.manifest, others[0] if others else control)
    requests = series.requests_per_second(record.rows, record.manifest, bucket_s=axis.bucket_s)
    return comparison(requests, [name for name in names if name in (control, *others)], control, axis)
