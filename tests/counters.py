"""Metrics are global to the process, so tests compare what they read before and after."""

from prometheus_client import REGISTRY


class Change:
    """How much one sample has grown since this object was made; a sample that was not there counts from 0."""

    def __init__(self, name: str, **labels: str) -> None:
        self._name = name
        self._labels = labels
        self._before = self.value

    @property
    def value(self) -> float:
        """What it reads now."""
        return REGISTRY.get_sample_value(self._name, self._labels) or 0.0

    def __call__(self) -> float:
        """The growth."""
        return self.value - self._before
