"""The cache is flushed: a restart, a failover to an empty node, or a command typed in the wrong window."""

from rulezero.faults import CacheFlush, Signature

FAULT = CacheFlush(signature=Signature(metric="cache_requests_total", labels={"result": "miss"}, increase_min=20))
