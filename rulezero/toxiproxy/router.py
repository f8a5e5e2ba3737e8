"""Which handler answers a path and method, and how Toxiproxy refuses the rest."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from aiohttp import web

Handler = TypeVar("Handler")
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Found(Generic[Handler]):
    """A handler and what the path says for its placeholders."""

    handler: Handler
    names: list[str] = field(default_factory=list)


class Router(Generic[Handler]):
    """Paths are parts between slashes; `*` stands for any one that is not empty."""

    def __init__(self, routes: Mapping[tuple[str, str], Handler]) -> None:
        self._routes: dict[tuple[str, ...], dict[str, Handler]] = {}
        for (methods, path), handler in routes.items():
            by_method = self._routes.setdefault(tuple(path.split("/")), {})
            by_method.update(dict.fromkeys(methods.split(), handler))

    def find(self, method: str, path: str) -> Found[Handler] | web.Response:
        """Return the handler, or the refusal: 301 to a clean path, 404 or 405."""
        clean = clean_path(path)
        if clean != path:
            return web.Response(status=301, headers={"Location": clean})
        parts = path.split("/")
        for pattern, by_method in self._routes.items():
            names = _match(pattern, parts)
            if names is None:
                continue
            handler = by_method.get(method, by_method.get("*"))
            return web.Response(status=405) if handler is None else Found(handler, names)
        return web.Response(status=404, text="404 page not found\n", headers=NOSNIFF)


def clean_path(path: str) -> str:
    """Resolve doubled slashes and dots; a slash at the end stays."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return f"{clean}/" if path.endswith("/") and clean != "/" else clean


def _match(pattern: tuple[str, ...], parts: list[str]) -> list[str] | None:
    if len(pattern) != len(parts):
        return None
    names = []
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted == "*" and part:
            names.append(part)
        elif wanted != part:
            return None
    return names
