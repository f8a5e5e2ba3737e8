"""The words an experiment is written in: load, fault schedule, arms, checks, prediction.

An experiment is data: it can be listed, printed and validated without starting anything.
"""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import Meta

from rulezero.faults import Fault
from rulezero.own_system import OwnSystem

PhaseName = Literal["warmup", "baseline", "fault", "hold"]
PHASES: tuple[PhaseName, ...] = ("warmup", "baseline", "fault", "hold")
MEASURED: tuple[PhaseName, ...] = ("baseline", "fault", "hold")


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """Which items a stream asks for: `low` to `high`, evenly or by Zipf's law with exponent `skew`."""

    low: int = 1
    high: int = 1
    skew: Annotated[float, Meta(ge=0)] = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """What a route asks; `path` and `body` have places for "{key}" and "{operation_id}"."""

    method: str
    path: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One Poisson stream of requests: `rate_rps` arrivals a second, whatever the system does.

    `deadline_s` is how long the user waits; a correct answer after it is no goodput. `crosses` names the links
    that a request of this route is meant to cross, the denominators of attempts per request; links to the processes
    of one service go by the service ("edge-catalog"). `request` is what it sends, where the locustfile does not know.
    """

    route: str
    rate_rps: Annotated[float, Meta(gt=0)]
    deadline_s: Annotated[float, Meta(gt=0)] = 1.0
    keys: Keys = field(default_factory=Keys)
    crosses: tuple[str, ...] = ()
    request: HttpRequest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prewarm:
    """Pages that are asked for once each before the load begins; `path` has a place for the key: "/browse/{key}"."""

    path: str
    keys: Keys


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """`count` requests for one key at the same moment, `at_s` seconds into the fault phase."""

    route: str
    at_s: Annotated[float, Meta(ge=0)]
    count: Annotated[int, Meta(gt=0)]
    key: int
    deadline_s: Annotated[float, Meta(gt=0)] = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedUser:
    """One user who waits for the answer, thinks for `think_s`, and only then asks again.

    He is there to be compared with: his load falls exactly when the system is in trouble, and what he says of it counts
    from the instant he sent. `answered_ms` is about him; elsewhere he counts only where attempts are told per request.
    """

    route: str
    think_s: Annotated[float, Meta(ge=0)] = 1.0
    deadline_s: Annotated[float, Meta(gt=0)] = 1.0
    keys: Keys = field(default_factory=Keys)


Load = Stream | Burst | ClosedUser


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """The system with one set of defences on: a preset, or names (besides the experiment's `base`) and numbers.

    `services` are settings of services besides the experiment's, where arms differ in what no defence sets.
    """

    name: str
    defences: tuple[str, ...] = ()
    preset: str | None = None
    numbers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Durations:
    """How long each phase lasts, in seconds. Load never stops between them."""

    warmup_s: float = 3.0
    baseline_s: float = 7.0
    fault_s: float = 10.0
    hold_s: float = 12.0

    def windows(self) -> tuple[tuple[PhaseName, float, float], ...]:
        """Return (phase, start, end) in seconds since the load began."""
        lengths_s = (self.warmup_s, self.baseline_s, self.fault_s, self.hold_s)
        windows, start_s = [], 0.0
        for name, length_s in zip(PHASES, lengths_s, strict=True):
            windows.append((name, start_s, start_s + length_s))
            start_s += length_s
        return tuple(windows)

    @property
    def total_s(self) -> float:
        """Return the length of one arm's load."""
        return self.warmup_s + self.baseline_s + self.fault_s + self.hold_s


Figures = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A closed form beside what was measured, from the figures of one arm.

    `band` is how far the measurement may lie from the prediction, as a share of it. None from either function means
    that this run cannot say, and then it supports nothing. Besides the figures of the verdict the functions find
    "arrivals_s": the arrivals from the beginning of the fault on, in seconds since then, in order.
    """

    arm: str
    name: str
    formula: str
    predicted: Callable[[Figures], float | None]
    measured: Callable[[Figures], float | None]
    band: float = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Yardstick:
    """What the arms of an experiment are compared by, where that is not goodput: less of it is better.

    `name` says what it is, with its unit. None from `figure` means that this arm cannot say. `chart` is what the report
    draws first, control against best arm: goodput, p99 of the good answers, or attempts per request on a link.
    `alone`: compare by it even where goodput is lost, because an answer that was accepted is not yet a good one.
    """

    name: str
    figure: Callable[[Figures], float | None]
    chart: Literal["goodput", "latency", "attempts", "backlog"] = "goodput"
    alone: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """Whether a check held, and the sentence that says by which numbers."""

    held: bool
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A statement about the arms' figures that the run confirms or refutes.

    `control` marks a statement about the undefended arm: when it does not hold the run is invalid, because
    then nothing can be said of the defences. `arms` are the arms it needs; without them it is not asked.
    """

    arms: tuple[str, ...]
    judge: Callable[[Mapping[str, Figures]], CheckResult]
    control: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Variants:
    """What of an experiment can be varied: `parameters`, each with the range that makes sense.

    `build` takes parameters by name and returns the experiment at that point; those left out stay as they are.
    `predicted` takes a point and an arm's name and returns how many seconds after the fault the closed form has that
    arm back: infinite where it never is, None where there is no closed form.
    """

    parameters: Mapping[str, tuple[float, float]]
    build: Callable[..., "Experiment"]
    predicted: Callable[[Mapping[str, float], str], float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """One question about the system under test.

    Args:
        name: The file's name, as typed on the command line.
        question: One sentence.
        prediction: What theory says will happen, with the formula.
        arms: The first one is the control.
        demo_arms: The arms to begin with; those that `make demo` runs, if it runs this experiment.
        base: Defences that every arm without a preset has on, the control too: clients as they are usually written.
        lab: The description of the system under test, in the checkout.
        own: The system under test where it is somebody's own, in place of `lab`.
        locustfile: What sends the load, in the checkout.
        event_loops: The services tell how late their event loops are, and a run in which they do not is invalid.
        prewarm: What is asked for before the load begins, so that it meets a warm cache.
        services: Extra settings per service instance ("*" for all), as environment variables.
        yardstick: What arms are compared by; None: the share of what was offered that was good, from the fault on.
        objective: The share of requests that users are promised to be good, over 30 days.
        bursts: Crowds of requests at one moment.
        closed: Users who wait for their answers, beside the streams, who do not.
        in_flight_max: Arrivals beyond so many unanswered requests are dropped and counted.
        variants: What of it `rulezero sweep` can vary.
        variant: The point of a sweep that it stands for; empty: as its file has it.

    """

    name: str
    question: str
    prediction: str
    streams: tuple[Stream, ...]
    arms: tuple[Arm, ...]
    demo_arms: tuple[str, ...]
    faults: tuple[Fault, ...]
    checks: tuple[Check, ...]
    predictions: tuple[Prediction, ...] = ()
    yardstick: Yardstick | None = None
    objective: Annotated[float, Meta(gt=0, lt=1)] = 0.99
    bursts: tuple[Burst, ...] = ()
    closed: tuple[ClosedUser, ...] = ()
    base: tuple[str, ...] = ()
    lab: str = "services/lab.toml"
    own: OwnSystem | None = None
    locustfile: str = "loadtests/shop.py"
    event_loops: bool = True
    prewarm: Prewarm | None = None
    durations: Durations = field(default_factory=Durations)
    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    in_flight_max: int = 2000
    variants: Variants | None = None
    variant: Mapping[str, float] = field(default_factory=dict)

    @property
    def asked_as(self) -> str:
        """Return how the command line asks for it."""
        return self.name if self.own is None else shlex.quote(self.own.path)

    @property
    def control(self) -> Arm:
        """Return the arm that the others are compared with."""
        return self.arms[0]
