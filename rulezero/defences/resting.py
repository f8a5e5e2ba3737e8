"""Keys that are left alone for a while after a renewal.

Why: an entry that cannot be loaded, or not be written, is found unrenewed by every reader, and each would start
another renewal. Source: the failure back-off that RFC 5861 leaves to the cache.
"""

_RESTING_MAX = 10_000


class Resting:
    """Which keys are left alone, and until when: instants in, no clock. At most `keys_max` of them."""

    def __init__(self, rest_s: float, *, keys_max: int = _RESTING_MAX) -> None:
        self._rest_s = rest_s
        self._keys_max = keys_max
        # All rest equally long, so the first to be stamped is the first to be free.
        self._until_s: dict[str, float] = {}

    def stamp(self, key: str, now_s: float) -> None:
        """Let a key rest from now on."""
        self._until_s.pop(key, None)
        while self._until_s:
            oldest = next(iter(self._until_s))
            if self._until_s[oldest] > now_s and len(self._until_s) < self._keys_max:
                break
            del self._until_s[oldest]
        self._until_s[key] = now_s + self._rest_s

    def rests(self, key: str, now_s: float) -> bool:
        """Tell whether the key is to be left alone."""
        return self._until_s.get(key, now_s) > now_s
