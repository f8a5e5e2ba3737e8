"""The hot key expires, several times, while everybody wants it."""

from rulezero.faults import CacheExpiry, Signature

AT_S = (0.5, 2.5, 4.5)

FAULT = CacheExpiry(
    key="item:1",
    at_s=AT_S,
    signature=Signature(metric="cache_loads_total", increase_min=1),
)
