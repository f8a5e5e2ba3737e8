"""Requests as bytes, well-formed around something odd, or spoilt as a whole."""

from collections.abc import Mapping
from random import Random

from campaigns.fuzz import odd

_HEADERS = (
    b"Content-Type: application/json", b"Content-Type: \xff\xfe", b"Expect: 100-continue", b"X: " + b"y" * 7000,
    b"Accept: */*", b"Content-Encoding: gzip", b"User-Agent: \x01", b"Cookie: a=b; ;=", b"Upgrade: h2c",
    b"Range: bytes=0-", b"X-Odd\xe9: 1", b"Forwarded: for=\"[::1]", b"Content-Type: application/json; charset=utf-16",
)  # fmt: skip
_FRAMES = (
    b"Content-Length: -1", b"Content-Length: 99999999999999999999", b"Content-Length: 1e3", b"Content-Length: \xb2",
    b"Content-Length: 5\r\nContent-Length: 6", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Content-Length:", b"Content-Length: +5", b"Content-Length: 1_0", b"Transfer-Encoding: identity",
)  # fmt: skip
_CHUNKS = (
    b"5\r\nhello\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFF\r\n",
    b"-1\r\n",
    b"0;ext=" + b"a" * 5000 + b"\r\n\r\n",
    b"zz\r\n",
)
_SPOILT_LINES = (
    b"GET", b"GET / HTTP/9.9", b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0", b"GET  /  HTTP/1.1", b"GET /%z HTTP/1.1",
    b"GET http://[ HTTP/1.1", b"CONNECT a:1 HTTP/1.1", b"GET //etc/../.. HTTP/1.1", b"\r\n\r\nGET /version HTTP/1.1",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1", b"OPTIONS * HTTP/1.1", b"get / HTTP/1.1", b"GET /\xff HTTP/1.1",
    b"GET /?" + b"&" * 3000 + b" HTTP/1.1", b"G\x00T / HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET \\ HTTP/1.1",
)  # fmt: skip


def request(
    method: str, path: str, body: bytes | None = None, headers: Mapping[str, bytes] | None = None, *, close: bool = True
) -> bytes:
    """Return a request that says how long it is."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: 127.0.0.1"]
    if close:
        lines.append(b"Connection: close")
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    lines += [name.encode("latin-1") + b": " + value for name, value in (headers or {}).items()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def some_headers(random: Random) -> dict[str, bytes]:
    """Return a few headers, some of them odd; none of them says where the request ends."""
    chosen = random.sample(_HEADERS, random.choice((0, 0, 1, 2)))
    return {name.decode("latin-1"): value for name, _, value in (one.partition(b": ") for one in chosen)}


def malformed(random: Random, whole: bytes) -> bytes:
    """Return bytes near to a request: cut short, badly framed, with a bad first line, or spoilt somewhere."""
    kind = random.randrange(5)
    if kind == 0:
        return whole[: random.randrange(len(whole))]
    line, _, rest = whole.partition(b"\r\n")
    if kind == 1:
        return line + b"\r\n" + random.choice(_FRAMES) + b"\r\n" + rest
    if kind == 2:
        return random.choice(_SPOILT_LINES) + b"\r\n" + rest
    if kind == 3:
        framed = line + b"\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        return framed + random.choice(_CHUNKS)
    return odd.spoilt_bytes(random, whole)
