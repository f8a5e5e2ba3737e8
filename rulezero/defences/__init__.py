"""The defences, one file each.

`CATALOGUE` is the order in which they are applied, outermost first; there is no other registration.
"""

from rulezero.defences.bulkhead import Bulkhead
from rulezero.defences.circuit_breaker import CircuitBreaker
from rulezero.defences.coalescing import Coalescing
from rulezero.defences.deadline import Deadline
from rulezero.defences.retry import Retry
from rulezero.defences.timeout import Timeout

CATALOGUE = (Coalescing, Deadline, Retry, CircuitBreaker, Bulkhead, Timeout)
