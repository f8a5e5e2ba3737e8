"""The hot key expires, several times, while everybody wants it."""

from rulezero.faults import CacheExpiry, Signature

AT_S = (1.4, 3.5, 5.6)  # further apart than the lead and the loads of the one before take
LEAD_S = 1.3  # so that who renews in time gets to see the end coming

FAULT = CacheExpiry(
    key="item:1",
    at_s=AT_S,
    lead_s=LEAD_S,
    signature=Signature(metric="cache_loads_total", increase_min=1),
)
