"""A run under a plan: exactly its streams and bursts, told when to begin by the process that started it.

`parent` has the pipes to that process.
"""

import gc
import math
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic

import gevent
from gevent.event import AsyncResult, Event
from gevent.pywsgi import WSGIServer
from locust import events
from locust.env import Environment

from loadtests.closed_loop import ask_until
from loadtests.exported import Exported, Source
from loadtests.metrics_server import LAST_LOOK_S, serve, stop
from loadtests.open_loop import OpenLoopUser
from loadtests.parent import give_up, keep_standard_output, leave, listen, say_ready
from loadtests.recorder import Recorder
from loadtests.row_log import RowLog
from loadtests.self_report import report
from loadtests.streams import Arrival, Routes, burst_arrivals, closed_arrivals, stream_arrivals
from loadtests.tracing import Traces
from loadtests.traffic import Traffic
from rulezero.errors import EXIT_UNAVAILABLE, UsageProblem
from rulezero.experiment import Burst, ClosedUser, Load, Stream
from rulezero.load.plan import PLAN_VARIABLE, LoadPlan, read_plan
from rulezero.load.rows import HEADER, REPORT_HEADER
from rulezero.load.schedule import due_times
from rulezero.load.targets import check_target

_GRACE_S = 0.5
_LOOK_S = 0.02
_SPARE_CONNECTIONS = 16
_EXPECTED_LATENCY_S = 0.1


def plan_from_environment(routes: Routes) -> LoadPlan | None:
    """Return the plan that the environment names, or None for a run by hand.

    Raises:
        UsageProblem: It cannot be read, or asks for a route that is not there.

    """
    path = os.environ.get(PLAN_VARIABLE)
    if not path:
        return None
    plan = read_plan(Path(path))
    for parts in (plan.streams, plan.bursts, plan.closed):
        for part in parts:
            if part.route not in routes:
                raise UsageProblem(f"load plan: unknown route {part.route}; known are {', '.join(routes)}")
    return plan


class PlannedRun:
    """Everything that one planned run shares."""

    def __init__(self, plan: LoadPlan, routes: Routes) -> None:
        self.plan = plan
        self.routes = routes
        self.began: AsyncResult[float] = AsyncResult()
        self.streams: Iterator[Stream] = iter(plan.streams)
        self.traffic: Traffic
        self.recorder: Recorder
        self._patient: Traffic
        self._patient_recorder: Recorder
        self._users: list[gevent.Greenlet] = []
        self._exported: Exported | None = None
        self._server: WSGIServer | None = None
        self._spawned = Event()
        burst_due_s = [plan.burst_due_s(burst) for burst in plan.bursts for _ in range(burst.count)]
        self._due_s = sorted([*due_times(plan.seed, plan.streams, plan.duration_s), *burst_due_s])
        for hook, listener in ((events.init, self._init), (events.spawning_complete, self._all_spawned)):
            hook.add_listener(listener)  # type: ignore[no-untyped-call]  # Locust's hooks carry no types.

    def _init(self, environment: Environment, **_: object) -> None:
        plan = self.plan
        self._exported = self._new_exported()
        rows = RowLog(Path(plan.rows_path), HEADER)
        self.recorder = Recorder(environment, rows, plan.phase_at, exported=self._exported)
        target, cap = check_target(plan.host), plan.in_flight_max
        traces = Traces(endpoint=plan.otlp_endpoint, instance=plan.run_id, random=Random())
        self.traffic = Traffic(target, traces=traces, recorder=self.recorder, in_flight_max=cap)
        # Users who wait are no part of the load that is counted, and have connections of their own.
        self._patient_recorder = Recorder(environment, rows, plan.phase_at)
        self._patient = Traffic(target, traces=traces, recorder=self._patient_recorder, in_flight_max=cap)
        if self._exported is not None and plan.metrics_port is not None:
            self._server = serve(plan.metrics_host, plan.metrics_port, self._exported.refresh)
        gevent.spawn(self._conduct, environment).link_exception(give_up)

    def _all_spawned(self, **_: object) -> None:
        self._spawned.set()

    def _conduct(self, environment: Environment) -> None:
        pipe = keep_standard_output()
        gevent.spawn(listen, self._begin, self.recorder.flush).link_exception(give_up)
        self._warm_up()
        self._spawned.wait()
        gc.collect()
        gc.freeze()  # What lives now lives to the end; looking at it again would pause sends.
        say_ready(pipe)
        origin_s = self.began.get()
        log = RowLog(Path(self.plan.generator_path), REPORT_HEADER)
        reporter = gevent.spawn(report, log, self.traffic.counts, self._due_s, origin_s)
        reporter.link_exception(give_up)
        for index, burst in enumerate(self.plan.bursts):
            gevent.spawn(self._send_burst, index, burst, origin_s).link_exception(give_up)
        for index, user in enumerate(self.plan.closed):
            self._users.append(gevent.spawn(self._be_patient, index, user, origin_s))
            self._users[-1].link_exception(give_up)
        self._wait_for_the_end(origin_s)
        gevent.killall(self._users)
        self._patient.connections.close()
        reporter.kill()
        self.recorder.close()
        self.traffic.close()
        self._end_export()
        environment.process_exit_code = 0
        if environment.runner is not None:
            environment.runner.quit()

    def _begin(self, origin_s: float) -> None:
        self.recorder.origin_s = self._patient_recorder.origin_s = origin_s
        if self._exported is not None:
            self._exported.begin(origin_s)
        self.began.set(origin_s)

    def _new_exported(self) -> Exported | None:
        plan = self.plan
        if plan.metrics_port is None:
            return None
        return Exported(
            Source(
                experiment=plan.experiment,
                arm=plan.arm,
                seed=plan.seed,
                run_id=plan.run_id,
                windows=plan.windows,
                routes={part.route for parts in (plan.streams, plan.bursts) for part in parts},
                in_flight=lambda: self.traffic.counts.in_flight,
                rates_rps=lambda: {stream.route: stream.rate_rps for stream in plan.streams},
            )
        )

    def _end_export(self) -> None:
        """Let the last requests be seen before their counters go away with this process."""
        if self._exported is not None and self._server is not None:
            self._exported.end()
            gevent.sleep(LAST_LOOK_S)
            stop(self._server)

    def _warm_up(self) -> None:
        plan = self.plan
        steady = math.ceil(sum(stream.rate_rps for stream in plan.streams) * _EXPECTED_LATENCY_S)
        count = steady + max((burst.count for burst in plan.bursts), default=0) + _SPARE_CONNECTIONS
        try:
            self.traffic.connections.open(min(count, plan.in_flight_max))
            self._patient.connections.open(len(plan.closed))
        except OSError as error:
            leave(f"{plan.host} does not take connections: {error.strerror}; is the lab up?", EXIT_UNAVAILABLE)

    def _send_burst(self, index: int, burst: Burst, origin_s: float) -> None:
        plan = self.plan
        due_s = origin_s + plan.burst_due_s(burst)
        arrivals = burst_arrivals(
            burst,
            self.routes,
            seed=plan.seed,
            run_id=plan.run_id,
            due_s=due_s,
            name=f"{burst.route}:burst:{index}",
            sample_rate=plan.sample_rate,
        )
        gevent.sleep(max(0.0, due_s - monotonic()))
        self.traffic.offer_together(arrivals)

    def _be_patient(self, index: int, user: ClosedUser, origin_s: float) -> None:
        plan = self.plan
        name = f"{user.route}:closed:{index}"
        asked = closed_arrivals(user, self.routes, seed=plan.seed, run_id=plan.run_id, name=name)
        gevent.sleep(max(0.0, origin_s - monotonic()))
        ask_until(origin_s + plan.duration_s, self._patient, asked, think_s=user.think_s)

    def _wait_for_the_end(self, origin_s: float) -> None:
        plan = self.plan
        gevent.sleep(max(0.0, origin_s + plan.duration_s - monotonic()))
        loads: tuple[Load, ...] = (*plan.streams, *plan.bursts, *plan.closed)
        last_s = monotonic() + max((load.deadline_s for load in loads), default=0.0) + _GRACE_S
        gevent.sleep(_LOOK_S)  # The last arrivals are still being offered.
        while self.traffic.counts.in_flight and monotonic() < last_s:
            gevent.sleep(_LOOK_S)
        gevent.joinall(self._users, timeout=max(0.0, last_s - monotonic()))


class PlannedUser(OpenLoopUser):
    """Takes the next stream of the plan."""

    abstract = True
    run_of: PlannedRun

    def start_stream(self) -> tuple[Traffic, Iterator[Arrival]]:
        """Wait for time 0, then return the stream's arrivals; none when there are more users than streams."""
        run, plan = self.run_of, self.run_of.plan
        stream = next(run.streams, None)
        origin_s = run.began.get()
        if stream is None:
            return run.traffic, iter(())
        return run.traffic, stream_arrivals(
            stream,
            run.routes,
            seed=plan.seed,
            run_id=plan.run_id,
            origin_s=origin_s,
            sample_rate=plan.sample_rate,
            duration_s=plan.duration_s,
        )
