"""Toxiproxy's HTTP API: one method per endpoint, errors as the original writes them.

An error travels with the type text/plain and a line break behind it, as Go's `http.Error` sends it; a success is JSON
without one.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from rulezero.toxiproxy import api_error
from rulezero.toxiproxy.api_error import ApiError
from rulezero.toxiproxy.go_json.encode import encode_string
from rulezero.toxiproxy.go_json.values import JsonError, JsonValue, read_value
from rulezero.toxiproxy.metrics import Metrics
from rulezero.toxiproxy.proxies import Populated, Proxies
from rulezero.toxiproxy.router import NOSNIFF, Router

VERSION: Final = "2.12.0"
"""The release whose API this is."""
BODY_TIMEOUT_S: Final = 15.0
ANSWER_TIMEOUT_S: Final = 25.0
_log = logging.getLogger(__name__)

Endpoint: TypeAlias = Callable[["Api", web.BaseRequest, list[str]], Awaitable[web.Response]]


class Api:
    """Answers requests about one set of proxies."""

    def __init__(self, proxies: Proxies, metrics: Metrics) -> None:
        self._proxies = proxies
        self._metrics = metrics
        routes = dict(_ROUTES)
        if metrics.enabled:
            routes["*", "/metrics"] = Api.show_metrics
        self._router: Router[Endpoint] = Router(routes)
        self._request_ids = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request; nothing that a client sends ends in an exception."""
        found = self._router.find(request.method, request.path)
        if isinstance(found, web.Response):
            return found
        if request.headers.get("User-Agent", "").startswith("Mozilla/"):
            response = web.Response(status=403, text="User agent not allowed\n", headers=NOSNIFF)
        else:
            response = await self._answer(found.handler, request, found.names)
        response.headers["X-Toxiproxy-Request-Id"] = f"{next(self._request_ids):020x}"
        return response

    async def _answer(self, endpoint: Endpoint, request: web.BaseRequest, names: list[str]) -> web.Response:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await endpoint(self, request, names)
        except TimeoutError:
            return web.Response(status=503)
        except ApiError as error:
            return _error_response(error)
        except Exception as error:  # noqa: BLE001 - any fault is answered as the original would, and logged.
            _log.error("%s %s failed", request.method, request.path, exc_info=error)
            return _error_response(api_error.internal(error))

    async def reset(self, _request: web.BaseRequest, _names: list[str]) -> web.Response:
        """Enable every proxy and remove every toxic."""
        await self._proxies.reset()
        return web.Response(status=204)

    async def list_proxies(self, _request: web.BaseRequest, _names: list[str]) -> web.Response:
        """Show all proxies by name."""
        members = (f"{encode_string(proxy.name)}:{proxy.to_json()}" for proxy in self._proxies.all())
        return _json("{" + ",".join(members) + "}")

    async def create_proxy(self, request: web.BaseRequest, _names: list[str]) -> web.Response:
        """Make a proxy."""
        proxy = await self._proxies.create(await _read(request))
        return _json(proxy.to_json(), status=201)

    async def populate(self, request: web.BaseRequest, _names: list[str]) -> web.Response:
        """Make a list of proxies exist."""
        try:
            result = await self._proxies.populate(await _read(request))
        except ApiError as error:
            result = Populated(error=error)
        proxies = f"[{','.join(proxy.to_json() for proxy in result.proxies)}]" if result.proxies else "null"
        if result.error is None:
            return _json(f'{{"proxies":{proxies}}}', status=201)
        return _json(f'{{{_error_fields(result.error)},"proxies":{proxies}}}', status=result.error.status)

    async def show_proxy(self, _request: web.BaseRequest, names: list[str]) -> web.Response:
        """Show one proxy."""
        return _json(self._proxies.get(names[0]).to_json())

    async def update_proxy(self, request: web.BaseRequest, names: list[str]) -> web.Response:
        """Change one proxy; a name that does not exist comes before a body that cannot be read."""
        self._proxies.get(names[0])
        proxy = await self._proxies.update(names[0], await _read(request))
        return _json(proxy.to_json())

    async def delete_proxy(self, _request: web.BaseRequest, names: list[str]) -> web.Response:
        """Remove one proxy."""
        await self._proxies.delete(names[0])
        return web.Response(status=204)

    async def list_toxics(self, _request: web.BaseRequest, names: list[str]) -> web.Response:
        """Show the toxics of a proxy."""
        toxics = self._proxies.get(names[0]).toxics.all()
        return _json(f"[{','.join(toxic.to_json() for toxic in toxics)}]")

    async def create_toxic(self, request: web.BaseRequest, names: list[str]) -> web.Response:
        """Add a toxic to a proxy."""
        toxics = self._proxies.get(names[0]).toxics
        return _json(toxics.add(await _read(request)).to_json())

    async def show_toxic(self, _request: web.BaseRequest, names: list[str]) -> web.Response:
        """Show one toxic."""
        return _json(self._proxies.get(names[0]).toxics.get(names[1]).to_json())

    async def update_toxic(self, request: web.BaseRequest, names: list[str]) -> web.Response:
        """Change one toxic."""
        toxics = self._proxies.get(names[0]).toxics
        toxics.get(names[1])
        value = await _read(request)
        toxic = toxics.get(names[1])  # It may have gone while the body came.
        toxics.update(toxic, value)
        return _json(toxic.to_json())

    async def delete_toxic(self, _request: web.BaseRequest, names: list[str]) -> web.Response:
        """Remove one toxic."""
        toxics = self._proxies.get(names[0]).toxics
        toxics.remove(toxics.get(names[1]))
        return web.Response(status=204)

    async def show_version(self, _request: web.BaseRequest, _names: list[str]) -> web.Response:
        """Show the version."""
        body = f'{{"version": "{VERSION}"}}\n'.encode()
        return web.Response(body=body, headers={"Content-Type": "application/json;charset=utf-8"})

    async def show_metrics(self, _request: web.BaseRequest, _names: list[str]) -> web.Response:
        """Show the counters."""
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._metrics.render(), headers=headers)


_ROUTES: Final[dict[tuple[str, str], Endpoint]] = {
    ("POST", "/reset"): Api.reset,
    ("GET", "/proxies"): Api.list_proxies,
    ("POST", "/proxies"): Api.create_proxy,
    ("POST", "/populate"): Api.populate,
    ("GET", "/proxies/*"): Api.show_proxy,
    ("POST PATCH", "/proxies/*"): Api.update_proxy,
    ("DELETE", "/proxies/*"): Api.delete_proxy,
    ("GET", "/proxies/*/toxics"): Api.list_toxics,
    ("POST", "/proxies/*/toxics"): Api.create_toxic,
    ("GET", "/proxies/*/toxics/*"): Api.show_toxic,
    ("POST PATCH", "/proxies/*/toxics/*"): Api.update_toxic,
    ("DELETE", "/proxies/*/toxics/*"): Api.delete_toxic,
    ("GET", "/version"): Api.show_version,
}


async def _read(request: web.BaseRequest) -> JsonValue:
    """Return the JSON of the body; raise `ApiError`."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return read_value(await request.read())
    except JsonError as problem:
        raise api_error.bad_request_body(problem) from None
    except TimeoutError:
        raise api_error.bad_request_body("i/o timeout") from None
    except (web.RequestPayloadError, ConnectionError):
        raise api_error.bad_request_body("unexpected EOF") from None
    except web.HTTPRequestEntityTooLarge:
        raise ApiError("request body too large", 413) from None


def _json(text: str, status: int = 200) -> web.Response:
    return web.Response(
        body=text.encode("utf-8", "replace"), status=status, headers={"Content-Type": "application/json"}
    )


def _error_response(error: ApiError) -> web.Response:
    return web.Response(status=error.status, text=f"{{{_error_fields(error)}}}\n", headers=NOSNIFF)


def _error_fields(error: ApiError) -> str:
    return f'"error":{encode_string(error.message)},"status":{int(error.status)}'
