"""The links of the system: every arrow between two parts is a proxy with a name, read from Toxiproxy's populate format.

The file is written for containers (`"upstream": "catalog-1:8000"`); the lab keeps the names and maps the host of each
upstream to a port of its own.
"""

from collections.abc import Collection
from pathlib import Path

import msgspec

from rulezero.errors import UsageProblem


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One proxy as it is written down."""

    name: str
    upstream: str
    listen: str = ""
    enabled: bool = True

    @property
    def host(self) -> str:
        """Return the host name of the upstream: the part that answers."""
        return self.upstream.rpartition(":")[0]


def read_links(path: Path, hosts: Collection[str], required: Collection[str] = ()) -> tuple[Link, ...]:
    """Read and check the links between `hosts`; the links in `required` must be among them. Raises UsageProblem."""
    try:
        links = msgspec.json.decode(path.read_bytes(), type=tuple[Link, ...])
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read ({error.strerror}); run from the root of the checkout") from error
    except msgspec.ValidationError as error:
        raise UsageProblem(f"{path}: {error}; write a list of name, listen, upstream, enabled") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{path} is not JSON: {error}; correct it there") from error
    _check(path, links, hosts)
    for name in required:
        if name not in {link.name for link in links}:
            raise UsageProblem(f"{path}: the link `{name}` is missing; add it")
    return links


def _check(path: Path, links: tuple[Link, ...], hosts: Collection[str]) -> None:
    seen: set[str] = set()
    for index, link in enumerate(links):
        where = f"{path}: $[{index}]"
        if not link.name or "/" in link.name:
            raise UsageProblem(f"{where}.name `{link.name}` cannot be a link's name; use letters, digits and -")
        if link.name in seen:
            raise UsageProblem(f"{where}.name `{link.name}` is used twice; give each link its own")
        seen.add(link.name)
        if not link.upstream.rpartition(":")[2].isdecimal():
            raise UsageProblem(f"{where}.upstream `{link.upstream}` has no port; write host:port")
        if link.host not in hosts:
            known = ", ".join(sorted(hosts))
            raise UsageProblem(f"{where}.upstream names the unknown host `{link.host}`; the lab has {known}")
