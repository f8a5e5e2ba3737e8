"""A Toxiproxy-compatible server in this process: `serve` on a running event loop, `main` as a command."""

import asyncio
import logging
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from rulezero.errors import EXIT_SUPPORTED, Problem, UsageProblem
from rulezero.toxiproxy.addresses import join_host_port
from rulezero.toxiproxy.api import VERSION, Api
from rulezero.toxiproxy.arguments import parse_arguments
from rulezero.toxiproxy.find import find_toxiproxy_server
from rulezero.toxiproxy.go_json.values import JsonError, read_value
from rulezero.toxiproxy.listening import ListenError, open_listener
from rulezero.toxiproxy.metrics import Metrics
from rulezero.toxiproxy.proxies import Proxies
from rulezero.toxiproxy.running import run_until_signal

__all__ = ["Options", "find_toxiproxy_server", "main", "serve"]

IDLE_TIMEOUT_S = 60.0
SHUTDOWN_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the server's flags say besides where to listen."""

    seed: int | None = None  # None draws one from the operating system.
    proxy_metrics: bool = False
    runtime_metrics: bool = False


async def serve(
    *,
    host: str = "localhost",
    port: int = 8474,
    config: Path | None = None,
    ready: Callable[[int], None] | None = None,
    options: Options | None = None,
) -> None:
    """Run until cancelled, then close every listener and connection.

    `ready` is called with the API's port (of use with port 0) once the configured proxies listen too. Raises
    `UsageProblem` for a port that cannot be had or a config file that cannot be used.
    """
    options = options or Options()
    metrics = Metrics(proxy=options.proxy_metrics, runtime=options.runtime_metrics)
    proxies = Proxies(random.Random(options.seed), metrics.proxy_bytes)
    runner = None
    try:
        if config is not None:
            await _populate(proxies, config)
        runner = await _start_api(Api(proxies, metrics), host, port)
        if ready is not None:
            ready(runner.addresses[0][1])
        await asyncio.get_running_loop().create_future()
    finally:
        proxies.stop()
        if runner is not None:
            await runner.cleanup()
        await asyncio.sleep(0)  # Transports close on the loop's next round.


async def _start_api(api: Api, host: str, port: int) -> web.ServerRunner:
    try:
        listener = await open_listener(join_host_port(host, port))
    except ListenError as problem:
        raise UsageProblem(f"toxiproxy cannot serve: {problem}; choose another -host or -port") from None
    # Go leaves a body as it came, whatever its Content-Encoding says.
    server = web.Server(
        api.handle,
        access_log=None,
        keepalive_timeout=IDLE_TIMEOUT_S,
        auto_decompress=False,
        logger=_http_log(),
    )
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
    except BaseException:
        listener.close()
        raise
    return runner


def _http_log() -> logging.Logger:
    """Return a log that leaves out requests that are no HTTP or break off: they are answered, and no news."""
    log = logging.getLogger(f"{__name__}.http")
    log.addFilter(_is_own_fault)
    return log


def _is_own_fault(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError)


async def _populate(proxies: Proxies, config: Path) -> None:
    """Make the proxies of a config file: the body that POST /populate takes."""
    try:
        body = await asyncio.to_thread(config.read_bytes)
    except OSError as problem:
        reason = problem.strerror or problem
        raise UsageProblem(f"cannot read toxiproxy config {config}: {reason}; name a readable file") from None
    try:
        result = await proxies.populate(read_value(body))
    except JsonError as problem:
        raise UsageProblem(f"toxiproxy config {config} is no JSON: {problem}; correct it") from None
    if result.error is not None:
        raise UsageProblem(f"toxiproxy config {config}: {result.error.message}; correct it")


def main(argv: Sequence[str]) -> int:
    """Run the server as a command until SIGINT or SIGTERM; return the exit status."""
    try:
        arguments = parse_arguments(argv)
        if arguments.version:
            _say(f"toxiproxy-server version {VERSION}")
            return EXIT_SUPPORTED
        run_until_signal(
            lambda: serve(
                host=arguments.host,
                port=arguments.port,
                config=arguments.config,
                ready=lambda port: _say(f"toxiproxy API on http://{join_host_port(arguments.host, port)}"),
                options=Options(arguments.seed, arguments.proxy_metrics, arguments.runtime_metrics),
            )
        )
    except Problem as problem:
        sys.stderr.write(f"rulezero toxiproxy: {problem}\n")
        return problem.status
    _say("toxiproxy stopped")
    return EXIT_SUPPORTED


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
