"""Mirrors rulezero/toxiproxy/addresses.py; the conformance tests compare the texts with the original."""

import pytest

from rulezero.toxiproxy.addresses import Address, AddressError, parse_port, resolve, split_host_port


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a:1", ("a", "1")), (":1", ("", "1")), ("a:", ("a", "")), ("[::1]:http", ("::1", "http")), ("[]:1", ("", "1"))],
)
def test_split(text: str, parts: tuple[str, str]) -> None:
    """Host and port, either may be empty."""
    assert split_host_port(text) == parts


@pytest.mark.parametrize("text", ["a", "", "a:b:c", "[::1", "[::1]", "[::1]x:1", "[a]:1:2", "a[:1", "]a:1", "[[a]:1"])
def test_split_refuses(text: str) -> None:
    """Anything else is an error that quotes the address."""
    with pytest.raises(AddressError, match=r"^address "):
        split_host_port(text)


@pytest.mark.parametrize(("text", "port"), [("", 0), ("80", 80), ("http", 80), ("+5", 5), ("65535", 65535)])
def test_ports(text: str, port: int) -> None:
    """Numbers, names of services, or nothing."""
    assert parse_port(text) == port


@pytest.mark.parametrize("text", ["65536", "-1", "9" * 30, "no-such-service", "\u0663"])
def test_bad_ports(text: str) -> None:
    """Anything else is an error."""
    with pytest.raises(AddressError):
        parse_port(text)


def test_addresses_are_written_with_brackets_where_needed() -> None:
    """IPv6 hosts have colons of their own."""
    assert str(Address("::1", 5)) == "[::1]:5"
    assert str(Address("127.0.0.1", 5)) == "127.0.0.1:5"
    assert Address("", 5).is_wildcard


@pytest.mark.wall_clock
async def test_resolve_prefers_ipv4() -> None:
    """A name with both kinds of addresses is its IPv4 one."""
    assert await resolve("localhost:5") == Address("127.0.0.1", 5)
    assert await resolve("") == Address("", 0)
    with pytest.raises(AddressError, match="no such host"):
        await resolve("no-such-host.invalid:1")
