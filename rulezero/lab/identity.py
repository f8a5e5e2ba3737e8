"""Who PostgreSQL runs as: it refuses root, so as root it is given something else to be.

A user namespace without a map keeps the files' owner (a checkout under /root works) and needs no second user; where
the system forbids it (most containers), the unprivileged user `nobody`, who must then own the data.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from rulezero.errors import UsageProblem
from rulezero.lab import kernel

UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Identity:
    """`namespace`: leave root by a user namespace; `user`, `group`: by changing to these ids; neither: stay."""

    namespace: bool = False
    user: int | None = None
    group: int | None = None


def choose_identity() -> Identity:
    """Return what works here. Forks once when root, so only a process of one thread may call it."""
    if os.geteuid() != 0:
        return Identity()
    if _namespace_works():
        return Identity(namespace=True)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Identity(user=entry.pw_uid, group=entry.pw_gid)


def assume(identity: Identity) -> None:
    """Become it: this process, for good."""
    if identity.namespace:
        kernel.enter_user_namespace()
    elif identity.user is not None and identity.group is not None:
        os.setgroups([])
        os.setgid(identity.group)
        os.setuid(identity.user)


def require_access(identity: Identity, path: Path) -> None:
    """Check that whoever PostgreSQL runs as can reach a file or folder. Raises UsageProblem that names what is shut."""
    if identity.user is None:
        return
    for folder in path.absolute().parents:
        found = folder.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != identity.user:
            raise UsageProblem(
                f"{folder} is shut to the user {UNPRIVILEGED}, whom PostgreSQL must run as here;"
                " run as a user other than root, or keep the checkout and TMPDIR where everyone may enter"
            )


def give(identity: Identity, folder: Path) -> None:
    """Make the files of `folder` belong to whoever will open them."""
    if identity.user is None or identity.group is None:
        return
    for parent, _, names in os.walk(folder):
        os.chown(parent, identity.user, identity.group)
        for name in names:
            os.chown(Path(parent, name), identity.user, identity.group)


def _namespace_works() -> bool:
    child = os.fork()
    if child == 0:
        try:
            kernel.enter_user_namespace()
            # Refused as well if the ids could not be read back as something other than root.
            os._exit(0 if os.geteuid() != 0 else 1)
        except OSError:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0
