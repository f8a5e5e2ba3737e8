"""The few Linux calls that the standard library does not offer, by ctypes: they are what makes "nothing survives" true.

Source: prctl(2), unshare(2), shmget(2), shmctl(2). Each is a no-op or a refusal on other systems.
"""

import contextlib
import ctypes
import os
import subprocess
import sys

LINUX = sys.platform == "linux"

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUSER = 0x10000000
_IPC_RMID = 0
_REMOVE_TIMEOUT_S = 5

# Loaded once, before any fork: a child between fork and exec must not import or allocate more than it has to.
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def die_with_parent(number: int, parent: int) -> None:
    """Ask for signal `number` when the parent ends, however it ends.

    A change of credentials forgets the request, so this comes after it. The parent may have ended already: then exit.
    """
    if not LINUX:
        return
    _check(_libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0))
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent ended, so that they can be ended and reaped here."""
    if LINUX:
        _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def enter_user_namespace() -> None:
    """Stop being root without becoming another owner of files. Raises OSError where the system forbids it."""
    if not LINUX:
        raise OSError("user namespaces are a feature of Linux")
    _check(_libc.unshare(_CLONE_NEWUSER))


def remove_shared_memory(key: int, identifier: int, owner: int) -> None:
    """Remove a System V segment if `key` still names `identifier`; a PostgreSQL that was killed leaves one behind.

    Root of a container may not remove the segment of another user, `owner`, but may become that user to do it.
    """
    if not LINUX or _libc.shmget(key, 0, 0) != identifier:
        return
    if _libc.shmctl(identifier, _IPC_RMID, None) == -1 and owner != os.geteuid():
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            command = ["ipcrm", "-m", str(identifier)]
            subprocess.run(command, user=owner, stderr=subprocess.DEVNULL, timeout=_REMOVE_TIMEOUT_S, check=False)
