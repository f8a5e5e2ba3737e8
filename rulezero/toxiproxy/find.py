"""Find the original server on this machine."""

import os
import shutil
from pathlib import Path
from typing import Final

from rulezero.errors import UsageProblem

VARIABLE: Final = "RULEZERO_TOXIPROXY_SERVER"
PROGRAM: Final = "toxiproxy-server"


def find_toxiproxy_server() -> Path | None:
    """Return the program the variable names, else the one on PATH, else None; raise `UsageProblem`."""
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise UsageProblem(f"{VARIABLE}={named} is no program; unset it or name an executable file")
        return path
    found = shutil.which(PROGRAM)
    return Path(found) if found else None
