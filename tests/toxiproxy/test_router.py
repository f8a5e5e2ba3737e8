"""Mirrors rulezero/toxiproxy/router.py."""

import pytest
from aiohttp import web

from rulezero.toxiproxy.router import Found, Router, clean_path

ROUTER = Router({("GET", "/a"): "list", ("POST PATCH", "/a/*"): "change", ("*", "/m"): "any"})


@pytest.mark.parametrize(
    ("method", "path", "handler", "names"),
    [("GET", "/a", "list", []), ("PATCH", "/a/x y", "change", ["x y"]), ("PUT", "/m", "any", [])],
)
def test_finds(method: str, path: str, handler: str, names: list[str]) -> None:
    """A route and what its placeholders stand for."""
    assert ROUTER.find(method, path) == Found(handler, names)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/a", 405), ("GET", "/a/x", 405), ("GET", "/a/", 404), ("GET", "/b", 404), ("GET", "//a", 301)],
)
def test_refuses(method: str, path: str, status: int) -> None:
    """Wrong method, unknown path, unclean path."""
    found = ROUTER.find(method, path)
    assert isinstance(found, web.Response)
    assert found.status == status


@pytest.mark.parametrize(
    ("path", "clean"), [("/", "/"), ("//", "/"), ("/a//b", "/a/b"), ("/a/../b/", "/b/"), ("/./a", "/a"), ("", "/")]
)
def test_clean_path(path: str, clean: str) -> None:
    """Dots and doubled slashes go, a slash at the end stays."""
    assert clean_path(path) == clean
