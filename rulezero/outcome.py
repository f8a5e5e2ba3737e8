"""The six outcomes of a call and the errors that carry them, on one screen.

Most bugs of breakers, budgets and limiters are one outcome counted as another, so nothing here is a bare
exception: each error says its outcome, whether the operation *definitely did not happen* (`definite`), and
whether trying again could help (`retryable`).
"""

import asyncio
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one call, seen from the caller."""

    OK = "ok"
    ERROR = "error"  # an answer that is a failure (5xx), or a broken connection
    TIMEOUT = "timeout"  # no answer in the time allowed: it may have happened
    REJECTED = "rejected"  # the callee, or one behind it, said no: overload
    CANCELLED = "cancelled"  # the caller went away: says nothing about the callee
    NOT_SENT = "not_sent"  # refused on this side: the callee never saw it


class CallError(Exception):
    """A call that did not end well. Never raised itself; see the subclasses.

    `retryable` is the class's, unless a retry budget that affords no further attempt has set it to False on the error
    that it passes on. What is not sent is never retryable.
    """

    outcome = Outcome.ERROR
    definite = False
    retryable = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Failed(CallError):
    """The callee answered with a failure, or the connection broke: it may have happened."""

    retryable = True


class Unreachable(Failed):
    """No connection could be made: the operation definitely did not happen."""

    definite = True


class TimedOut(CallError):
    """No answer within the time allowed for this attempt."""

    outcome = Outcome.TIMEOUT
    retryable = True


class Rejected(CallError):
    """Somebody further down refused. Retrying feeds the overload it complains of.

    Not definite: the callee may have acted before one of its own dependencies refused.
    """

    outcome = Outcome.REJECTED


class NotSent(CallError):
    """A defence on this side refused. Each defence that refuses has its own subclass."""

    outcome = Outcome.NOT_SENT
    definite = True


def of_both(earlier: CallError, later: CallError) -> CallError:
    """Return the error to raise when two attempts at one operation have failed: the later one as a rule.

    The earlier one when the later was refused on this side, or claims that nothing happened although the earlier may
    have: the claim must hold for the operation, not just for its last attempt.
    """
    if isinstance(later, NotSent) or (later.definite and not earlier.definite):
        return earlier
    return later


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome that an exception stands for; anything unknown is an error."""
    if isinstance(error, CallError):
        return error.outcome
    if isinstance(error, asyncio.CancelledError):
        return Outcome.CANCELLED
    return Outcome.ERROR
