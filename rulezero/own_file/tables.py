"""The tables of the file as TOML has them, each value within its own bounds."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}"
_Name = Annotated[str, Meta(pattern=rf"^{_NAME}\Z")]
_NameOrNone = Annotated[str, Meta(pattern=rf"^({_NAME})?\Z")]
_Path = Annotated[str, Meta(pattern=r"^/[!-~]*\Z", max_length=2000)]
_PathOrNone = Annotated[str, Meta(pattern=r"^(/[!-~]*)?\Z", max_length=2000)]
_Variable = Annotated[str, Meta(pattern=r"^[^\s=\x00]+\Z")]
_Value = Annotated[str, Meta(pattern=r"^[^\x00]*\Z")]
_HeaderName = Annotated[str, Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")]
_HeaderValue = Annotated[str, Meta(pattern=r"^[ -~]*\Z")]
_Seconds = Annotated[float, Meta(gt=0, le=86_400)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Attribute = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_Env = dict[_Variable, _Value]


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all tables share: an unknown key is refused."""


class TargetTable(Table, frozen=True, kw_only=True):
    """Where users ask."""

    url: str
    health: _PathOrNone = ""


class SloTable(Table, frozen=True, kw_only=True):
    """What users are promised."""

    objective: Annotated[float, Meta(gt=0, lt=1)] = 0.99
    deadline_s: _Seconds = 1.0


class KeysTable(Table, frozen=True, kw_only=True):
    """Which keys a route asks for."""

    low: int = 1
    high: int = 1
    skew: Annotated[float, Meta(ge=0, le=10)] = 0.0


class RouteTable(Table, frozen=True, kw_only=True):
    """One stream of requests."""

    name: _Name
    path: _Path
    rate_rps: Annotated[float, Meta(gt=0, le=100_000)]
    method: Annotated[str, Meta(pattern=r"^[A-Z]{1,20}\Z")] = "GET"
    body: str = ""
    headers: dict[_HeaderName, _HeaderValue] = {}
    keys: KeysTable = KeysTable()


class HopTable(Table, frozen=True, kw_only=True):
    """A dependency behind Toxiproxy."""

    name: _Name
    upstream: str
    listen: Annotated[str, Meta(pattern=r"^(127\.0\.0\.1:[0-9]{1,5})?\Z")] = ""


class ProcessTable(Table, frozen=True, kw_only=True):
    """A program that every arm starts anew."""

    name: _Name
    command: Annotated[list[_Value], Meta(min_length=1)]
    env: _Env = {}
    ready: str = ""


class FaultTable(Table, frozen=True, kw_only=True):
    """A toxic, in Toxiproxy's words."""

    hop: str
    type: str
    attributes: dict[str, _Attribute] = {}
    stream: Literal["upstream", "downstream"] = "downstream"
    toxicity: _Share = 1.0
    at_s: Annotated[float, Meta(ge=0)] = 0.0
    for_s: _Seconds | None = None


class PhasesTable(Table, frozen=True, kw_only=True):
    """How long each phase lasts."""

    warmup_s: Annotated[float, Meta(ge=0, le=86_400)] = 3.0
    baseline_s: _Seconds = 7.0
    fault_s: _Seconds = 10.0
    hold_s: _Seconds = 12.0


class ArmTable(Table, frozen=True, kw_only=True):
    """The processes with one environment."""

    name: _Name
    env: _Env = {}


class CheckTable(Table, frozen=True, kw_only=True):
    """What must be true of an arm."""

    arm: str
    phase: Literal["fault", "hold"]
    at_least: _Share | None = None
    at_most: _Share | None = None
    route: str | None = None


class MetricsTable(Table, frozen=True, kw_only=True):
    """Where the service tells its own metrics."""

    url: Annotated[str, Meta(pattern=r"^http://[!-~]+\Z")]


class FileTable(Table, frozen=True, kw_only=True):
    """The whole file."""

    target: TargetTable
    routes: Annotated[list[RouteTable], Meta(min_length=1)]
    name: _NameOrNone = ""
    question: str = ""
    prediction: str = ""
    slo: SloTable = SloTable()
    phases: PhasesTable = PhasesTable()
    hops: list[HopTable] = []
    processes: list[ProcessTable] = []
    faults: list[FaultTable] = []
    arms: Annotated[tuple[ArmTable, ...], Meta(min_length=1)] = (ArmTable(name="as_it_is"),)
    checks: list[CheckTable] = []
    metrics: MetricsTable | None = None
