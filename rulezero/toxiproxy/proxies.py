"""All proxies by name, and the operations of the API on them. Changes run one after the other."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final, cast

from rulezero.toxiproxy import api_error
from rulezero.toxiproxy.addresses import AddressError
from rulezero.toxiproxy.api_error import ApiError
from rulezero.toxiproxy.go_json.decode import Decoded, Struct, decode_list, decode_struct
from rulezero.toxiproxy.go_json.values import JsonError, JsonValue
from rulezero.toxiproxy.listening import ListenError
from rulezero.toxiproxy.proxy import ByteCounter, Proxy

PROXIES_MAX: Final = 4096
"""The original has no bound."""
_FIELDS: Final[dict[str, str | Struct]] = {
    "name": "string",
    "listen": "string",
    "upstream": "string",
    "enabled": "bool",
    "Logger": Struct("Logger", "zerolog.Logger", {}),
}
_PROXY: Final = Struct("Proxy", "toxiproxy.Proxy", _FIELDS)
_POPULATE_ENTRY: Final = Struct(
    "",
    'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }',
    _FIELDS,
    field_path="Proxy.",
    own_fields=frozenset({"enabled"}),
)


@dataclass(slots=True)
class Populated:
    """The proxies that are as asked for, and what stopped the rest."""

    proxies: list[Proxy] = field(default_factory=list)
    error: ApiError | None = None


class Proxies:
    """The state of a server."""

    def __init__(self, generator: random.Random, metrics: ByteCounter | None = None) -> None:
        self._random = generator
        self._metrics = metrics
        self._proxies: dict[str, Proxy] = {}
        self._changing = asyncio.Lock()

    def all(self) -> list[Proxy]:
        """Return the proxies by name."""
        return [proxy for _, proxy in sorted(self._proxies.items())]

    def get(self, name: str) -> Proxy:
        """Return a proxy; raise `ApiError` if there is none of the name."""
        if name not in self._proxies:
            raise api_error.proxy_not_found()
        return self._proxies[name]

    async def create(self, value: JsonValue) -> Proxy:
        """Make a proxy from a request and, unless it says otherwise, start it."""
        wanted = _decode(value)
        for key in ("name", "upstream"):
            if not wanted.get(key):
                raise api_error.missing_field(key)
        async with self._changing:
            if wanted["name"] in self._proxies:
                raise api_error.proxy_exists()
            return await self._put(wanted)

    async def update(self, name: str, value: JsonValue) -> Proxy:
        """Change listen, upstream or enabled as far as the request names them."""
        async with self._changing:
            proxy = self.get(name)
            wanted = _decode(value)
            try:
                await proxy.update(
                    listen=_text(wanted, "listen", proxy.listen),
                    upstream=_text(wanted, "upstream", proxy.upstream),
                    enabled=bool(wanted.get("enabled", proxy.enabled)),
                )
            except (AddressError, ListenError) as problem:
                raise api_error.internal(problem) from None
            return proxy

    async def delete(self, name: str) -> None:
        """Stop and forget a proxy."""
        async with self._changing:
            self.get(name).stop()
            del self._proxies[name]

    async def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        async with self._changing:
            for proxy in self.all():
                try:
                    await proxy.start()
                except ListenError as problem:
                    raise api_error.internal(problem) from None
                proxy.toxics.clear()

    async def populate(self, value: JsonValue) -> Populated:
        """Make every proxy of a list exist; one with the same addresses is left alone, toxics and all."""
        result = Populated()
        async with self._changing:
            try:
                for wanted in _decode_entries(value):
                    result.proxies.append(await self._put_unless_same(wanted))
            except ApiError as error:
                result.error = error
        return result

    def stop(self) -> None:
        """Stop every proxy."""
        for proxy in self.all():
            proxy.stop()

    async def _put_unless_same(self, wanted: Decoded) -> Proxy:
        existing = self._proxies.get(_text(wanted, "name", ""))
        if existing is not None:
            try:
                if not await existing.differs(_text(wanted, "listen", ""), _text(wanted, "upstream", "")):
                    return existing
            except AddressError as problem:
                raise api_error.internal(problem) from None
            existing.stop()
        return await self._put(wanted)

    async def _put(self, wanted: Decoded) -> Proxy:
        name = _text(wanted, "name", "")
        if name not in self._proxies and len(self._proxies) >= PROXIES_MAX:
            raise api_error.too_many("proxies", PROXIES_MAX)
        proxy = Proxy(name, _text(wanted, "listen", ""), _text(wanted, "upstream", ""), self._random, self._metrics)
        if wanted.get("enabled", True):
            try:
                await proxy.start()
            except ListenError as problem:
                raise api_error.internal(problem) from None
        self._proxies[name] = proxy
        return proxy


def _decode(value: JsonValue) -> Decoded:
    try:
        return decode_struct(value, _PROXY)
    except JsonError as problem:
        raise api_error.bad_request_body(problem) from None


def _decode_entries(value: JsonValue) -> list[Decoded]:
    """Check all entries before the first one is made."""
    try:
        entries = decode_list(value, _POPULATE_ENTRY)
    except JsonError as problem:
        raise api_error.bad_request_body(problem) from None
    for position, wanted in enumerate(entries, 1):
        for key in ("name", "upstream"):
            if not wanted.get(key):
                raise api_error.missing_field(f"{key} at proxy {position}")
    return entries


def _text(wanted: Decoded, key: str, default: str) -> str:
    return cast("str", wanted.get(key, default))
