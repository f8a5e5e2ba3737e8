"""A few statements are slow: one in fifty meets a lock, a cold page or a checkpoint and takes a second longer.

Which ones is chance, so a copy of the same statement is most likely a fast one.
"""

from rulezero.faults import Signature, Statement

SLOW_SHARE = 0.02
SLOW_S = 1.0

FAULT = Statement(
    text=f"{SLOW_SHARE:.0%} of the searches take {SLOW_S:g} s longer",
    apply_sql=f"UPDATE pace SET slow_share = {SLOW_SHARE}, slow_s = {SLOW_S}",  # noqa: S608 - our own numbers.
    revert_sql="UPDATE pace SET slow_share = 0, slow_s = 0",
    signature=Signature(
        metric="db_client_operation_duration_seconds_sum",
        labels={"db_operation_name": "search_items"},
        ratio_min=1.4,
    ),
)
