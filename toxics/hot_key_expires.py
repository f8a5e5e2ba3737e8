"""The hot key expires, several times, while everybody wants it."""

from rulezero.faults import CacheExpiry, Signature

AT_S = (1.6, 3.4, 5.2)
LEAD_S = 1.5  # so that who renews in time gets to see the end coming

FAULT = CacheExpiry(
    key="item:1",
    at_s=AT_S,
    lead_s=LEAD_S,
    signature=Signature(metric="cache_loads_total", increase_min=1),
)
