"""Where a kill campaign happens: a checkout, a folder for temporary files and a cache, all its own.

Whatever a run leaves behind is then recognised by these folders, and nobody else's processes are ever looked at.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from rulezero.experiment import Experiment

EXPERIMENT = "brief"
LOAD_S = 3.3  # The phases below, and the lead before the first request.
ROOT = Path(__file__).parents[2]
_COPIED = ("services", "toxics", "loadtests")
_WITHOUT = shutil.ignore_patterns("__pycache__")
_DEFINITION = '''"""Payment hangs for a moment, at hardly any load: short enough to be killed a hundred times."""

from rulezero.checks import control_fails
from rulezero.experiment import Arm, Durations, Experiment, Keys, Stream
from rulezero.faults import Signature, Toxic

EXPERIMENT = Experiment(
    name="brief",
    question="Does a run of a few seconds survive being killed?",
    prediction="Nothing of it does but its record.",
    streams=tuple(
        Stream(route=route, rate_rps=20.0, deadline_s=0.5, keys=Keys(low=3, high=200))
        for route in ("browse", "checkout")
    ),
    faults=(
        Toxic(
            link="checkout-payment",
            type="timeout",
            attributes={"timeout": 0},
            signature=Signature(
                metric="dependency_outcomes_total",
                labels={"link": "checkout-payment", "outcome": "ok"},
                ratio_max=0.6,
            ),
        ),
    ),
    durations=Durations(warmup_s=0.5, baseline_s=1.0, fault_s=1.0, hold_s=0.5),
    arms=(Arm(name="none"),),
    demo_arms=("none",),
    checks=(control_fails("none", phase="fault", at_most=0.8),),
)
'''


class Place:
    """The folders, and how to start a command in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "checkout"
        self.temporary = folder / "tmp"
        self.runs = folder / "runs"
        self._said = folder / "said"
        self._count = 0
        self.records = 0
        self.environment = {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
        }

    def make(self) -> None:
        """Copy the shop and write the experiment."""
        for name in _COPIED:
            shutil.copytree(ROOT / name, self.checkout / name, ignore=_WITHOUT)
        experiments = self.checkout / "experiments"
        for one in (experiments, self.temporary, self.runs, self._said):
            one.mkdir()
        (experiments / "__init__.py").write_text('"""One experiment."""\n', encoding="utf-8")
        (experiments / f"{EXPERIMENT}.py").write_text(_DEFINITION, encoding="utf-8")

    def start(self, *words: str) -> "Command":
        """Start `rulezero` with these words; what it says goes to a file."""
        self._count += 1
        output = self._said / f"{self._count}.txt"
        with output.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "rulezero", *words],
                cwd=self.checkout,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # Ctrl-C is the campaign's own.
            )
        return Command(process, output)

    def definition(self) -> Experiment:
        """Return the experiment that was written."""
        spec = spec_from_file_location("brief_experiment", self.checkout / f"experiments/{EXPERIMENT}.py")
        if spec is None or spec.loader is None:
            raise RuntimeError("the experiment is gone")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        found: Experiment = module.EXPERIMENT
        return found

    def forget_template(self) -> None:
        """Have the next lab make its database from nothing."""
        shutil.rmtree(self.folder / "cache", ignore_errors=True)

    def lab_folders(self) -> list[Path]:
        """Return the directories of labs that are there."""
        return sorted(self.temporary.glob("rulezero-*"))


class Command:
    """A `rulezero` that was started."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def said(self) -> str:
        """Return everything it has printed."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def over(self) -> bool:
        """Return whether it has ended."""
        return self.process.poll() is not None

    def wait(self, timeout_s: float) -> int | None:
        """Return its exit status, None when it did not end in time and had to be killed."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None


@contextlib.contextmanager
def open_place(parent: Path | None = None) -> Iterator[Place]:
    """Make a place and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="kill-campaign-", dir=parent))
    folder.chmod(0o755)  # PostgreSQL may have to run as another user.
    try:
        place = Place(folder)
        place.make()
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)
