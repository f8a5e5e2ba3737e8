"""The promises to users (slo.toml), and the windows over which a broken one is noticed.

Burn rate is how many times faster than allowed the error budget is spent. A page needs it high over a long window, so
that it matters, and over a short one, so that it is still going on (Google's SRE workbook, chapter 5). Burn rate has no
unit, so windows can be divided by `time_scale` while factors stay: an hour of production is a minute of experiment.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from rulezero.telemetry.metrics import SECONDS

SLO_FILE = Path(__file__).with_name("slo.toml")
# A rate over fewer scrapes than this says more about the scrapes than about the requests.
_SCRAPES_MIN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    """One kind of alert: production's windows in seconds, and the burn rate over both that raises it."""

    severity: str
    factor: float
    long_s: int
    short_s: int


# 2 % of a month's budget in an hour; 5 % in six hours. Slower burning takes days, which no experiment lasts.
TIERS = (
    Tier(severity="page", factor=14.4, long_s=3600, short_s=300),
    Tier(severity="page", factor=6.0, long_s=21600, short_s=1800),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slo:
    """One promise: the share of good requests of some routes; with `within_s` good ones are also fast."""

    name: str
    routes: tuple[str, ...]
    objective: float
    within_s: float | None = None

    @property
    def budget(self) -> float:
        """Return the share of requests that may be bad."""
        return round(1 - self.objective, 9)

    def __post_init__(self) -> None:
        """Refuse what no rule could measure."""
        if not self.routes or not 0 < self.objective < 1:
            raise ValueError(f"{self.name} needs routes and an objective between 0 and 1")
        if self.within_s is not None and self.within_s not in SECONDS:
            # A bound that is missing from the histogram would read as nothing but failures.
            raise ValueError(f"{self.name}: {self.within_s} s is no bound of the buckets: {SECONDS}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Promises:
    """All of slo.toml."""

    time_scale: int
    scrape_interval_s: int
    slos: tuple[Slo, ...]

    def window_s(self, production_s: int) -> int:
        """Return the window in experiment time.

        Raises:
            ValueError: So short a window holds too few scrapes, or is no whole number of seconds.

        """
        window_s, rest = divmod(production_s, self.time_scale)
        if rest or window_s < _SCRAPES_MIN * self.scrape_interval_s:
            raise ValueError(
                f"{production_s} s divided by {self.time_scale} is no window of {_SCRAPES_MIN} scrapes or more;"
                " lower time_scale"
            )
        return window_s

    @property
    def windows_s(self) -> tuple[int, ...]:
        """Return every window of the tiers in experiment time, the shortest first."""
        return tuple(sorted({self.window_s(length) for tier in TIERS for length in (tier.short_s, tier.long_s)}))


def read_promises(path: Path = SLO_FILE) -> Promises:
    """Return what the file promises. Raises ValueError: it contradicts itself."""
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    return Promises(
        time_scale=read["time_scale"],
        scrape_interval_s=read["scrape_interval_s"],
        slos=tuple(Slo(**{**one, "routes": tuple(one["routes"])}) for one in read["slo"]),
    )


def duration(seconds: int) -> str:
    """Return seconds as PromQL writes them: 90s, 6m."""
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"
