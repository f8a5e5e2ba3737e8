"""compose.yaml as Compose itself understands it: which parts there are, and where this machine reaches them."""

from pathlib import Path

import msgspec

from rulezero.errors import UsageProblem
from rulezero.lab.description import PROGRAM_PARTS, ShopDescription
from rulezero.lab.docker import docker
from rulezero.lab.ports import LOOPBACK

FILE = Path("compose.yaml")
ADMIN_PORT = 9100


class Port(msgspec.Struct, frozen=True):
    """A port of a container, and the one of this machine that leads to it."""

    target: int
    published: str = ""
    host_ip: str = ""


class Container(msgspec.Struct, frozen=True):
    """One part."""

    image: str = ""
    ports: tuple[Port, ...] = ()


class ComposeFile(msgspec.Struct, frozen=True):
    """The whole file; `name` is the project's."""

    name: str
    services: dict[str, Container]

    def address(self, part: str, port: int) -> str:
        """Return where a port of a part is published, "host:port". Raises UsageProblem when it is not."""
        for one in self.services[part].ports:
            if one.target == port and one.published:
                return f"{one.host_ip or LOOPBACK}:{one.published}"
        raise UsageProblem(f"{FILE}: {part} does not publish its port {port}; add it to its `ports`")

    def port(self, part: str, port: int) -> int:
        """Return the published port. Raises UsageProblem."""
        return int(self.address(part, port).rpartition(":")[2])


def command(root: Path, *arguments: str) -> list[str]:
    """Return the words after `docker` for a Compose command on this checkout's file."""
    return ["compose", "--project-directory", str(root), "--file", str(root / FILE), *arguments]


async def read_compose_file(description: ShopDescription) -> ComposeFile:
    """Read and check the file of a checkout.

    Raises:
        UsageProblem: It is not there, or does not have what the description has.
        Problem: Compose does not take it.

    """
    root = description.root
    if not (root / FILE).is_file():
        raise UsageProblem(f"{root} has no {FILE}; change to the checkout that has it")
    text = await docker(*command(root, "config", "--format", "json"))
    file = msgspec.json.decode(text, type=ComposeFile)
    wanted = (*PROGRAM_PARTS, *(service.name for service in description.services))
    if missing := [name for name in wanted if name not in file.services]:
        raise UsageProblem(
            f"{FILE} has no {', '.join(missing)}, which {description.path.name} needs; run without --target compose"
        )
    return file
