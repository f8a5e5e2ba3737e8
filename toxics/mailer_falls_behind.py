"""The mailer falls behind: each of its writes takes a while longer, and in the middle of that it crashes once.

Its slots are held longer, so it can do less than is asked of it; nobody who publishes notices. What it held when it
crashed comes again, after the time that the queue waits for an acknowledgement.
"""

from rulezero.faults import Kill, Signature, Toxic

SLOWER_S = 0.145
DEAD_S = 2.0
CRASH_AT_S = 3.0

SLOW = Toxic(
    link="mailer-primary",
    type="latency",
    attributes={"latency": round(SLOWER_S * 1000)},
    signature=Signature(
        metric="db_client_operation_duration_seconds_sum",
        labels={"db_operation_name": "write_mail"},
        ratio_min=3,
    ),
)
CRASH = Kill(
    part="mailer",
    at_s=CRASH_AT_S,
    for_s=DEAD_S,
    signature=Signature(
        metric="messages_delivered_total", labels={"queue": "mails", "redelivered": "true"}, increase_min=1
    ),
)
FAULTS = (SLOW, CRASH)
