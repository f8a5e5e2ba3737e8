"""The defences, one file each.

`CATALOGUE` is the order in which they are applied, outermost first; there is no other registration.
"""

from rulezero.defences.adaptive_throttle import AdaptiveThrottle
from rulezero.defences.bounded_queue import BoundedQueue
from rulezero.defences.bounded_stream import BoundedStream
from rulezero.defences.bulkhead import Bulkhead
from rulezero.defences.circuit_breaker import CircuitBreaker
from rulezero.defences.coalescing import Coalescing
from rulezero.defences.deadline import Deadline
from rulezero.defences.early_expiration import EarlyExpiration
from rulezero.defences.hedging import Hedging
from rulezero.defences.lease import Lease
from rulezero.defences.retry import Retry
from rulezero.defences.retry_budget import RetryBudget
from rulezero.defences.stale_if_error import StaleIfError
from rulezero.defences.stale_while_revalidate import StaleWhileRevalidate
from rulezero.defences.timeout import Timeout
from rulezero.defences.ttl_jitter import TtlJitter

CATALOGUE = (
    BoundedQueue,
    TtlJitter,
    StaleIfError,
    StaleWhileRevalidate,
    EarlyExpiration,
    Coalescing,
    Lease,
    BoundedStream,
    Deadline,
    Retry,
    Hedging,
    RetryBudget,
    AdaptiveThrottle,
    CircuitBreaker,
    Bulkhead,
    Timeout,
)
