"""Load: what the runner and the load generator agree on, and how the one starts the other.

Imported by the asyncio runner and inside Locust's gevent process alike, so nothing here imports locust.
"""

from rulezero.load.generator import Generator
from rulezero.load.plan import PLAN_VARIABLE, LoadPlan, decode, encode, read_plan
from rulezero.load.rows import COLUMNS, Row, answer_outcome, parse
from rulezero.load.schedule import arrivals, due_times, keys
from rulezero.load.tail import Live, LiveTail, last_second
from rulezero.load.targets import check_target

__all__ = [
    "COLUMNS",
    "PLAN_VARIABLE",
    "Generator",
    "Live",
    "LiveTail",
    "LoadPlan",
    "Row",
    "answer_outcome",
    "arrivals",
    "check_target",
    "decode",
    "due_times",
    "encode",
    "keys",
    "last_second",
    "parse",
    "read_plan",
]
