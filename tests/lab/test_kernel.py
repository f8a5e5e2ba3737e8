import os

import pytest

from rulezero.lab import kernel

KEY = 0x52304C41
_CREATE = 0o1600


@pytest.mark.skipif(not kernel.LINUX, reason="System V segments are cleaned up on Linux only")
def test_shared_memory_is_removed_only_if_it_is_still_the_one_recorded() -> None:
    """A number that was used again belongs to somebody else."""
    identifier = kernel._libc.shmget(KEY, 56, _CREATE)
    assert identifier != -1
    kernel.remove_shared_memory(KEY, identifier + 1, owner=os.geteuid())
    assert kernel._libc.shmget(KEY, 0, 0) == identifier
    kernel.remove_shared_memory(KEY, identifier, owner=os.geteuid())
    assert kernel._libc.shmget(KEY, 0, 0) == -1


@pytest.mark.skipif(not kernel.LINUX, reason="there is no user namespace elsewhere")
def test_a_refused_call_is_an_error_with_its_reason() -> None:
    """The number that the system left behind says why."""
    with pytest.raises(OSError, match="Invalid argument"):
        kernel._check(kernel._libc.prctl(-1, 0, 0, 0, 0))
