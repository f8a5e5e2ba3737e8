"""Whether a request that leaves the line has as much time left as its work takes.

A look at the deadline alone is too late under overload: first come, first served brings up requests just before their
callers give up, and each of them is begun, cut off in the middle, and has held a slot for nothing. So what counts is
the time that requests usually need: one mean for all routes, because the line does not know yet what a request is for.

Who was cut off took at least so long. Left out, the mean would be that of the lucky ones, the lower the worse it gets.
"""

_WEIGHT = 0.05  # of the newest: some twenty requests decide.


class TimeLeft:
    """The exponentially weighted mean time of the requests that were begun, failures left out, in seconds."""

    def __init__(self) -> None:
        self._usual_s: float | None = None

    def learn(self, took_s: float) -> None:
        """Take in how long a request held its slot that was served to the end."""
        usual_s = took_s if self._usual_s is None else self._usual_s
        self._usual_s = usual_s + _WEIGHT * (took_s - usual_s)

    def learn_at_least(self, took_s: float) -> None:
        """Take in how long a request held its slot for which time ran out: it would have taken longer."""
        self.learn(max(took_s, self._usual_s or 0.0))

    def suffices(self, left_s: float) -> bool:
        """Tell whether to begin a request that has queued.

        Who has not queued is to be begun unasked: else a service that was slow for a while could refuse everybody for
        ever, and never learn that it is fast again.
        """
        return left_s > (self._usual_s or 0.0)
