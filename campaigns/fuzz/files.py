"""The files and the environment that a user writes: defences, links, the description of the lab, load plans."""

import json
from random import Random
from typing import Any

import msgspec
import orjson

from campaigns.fuzz import odd
from campaigns.fuzz.target import ROOT, Target
from experiments.cascading_failure import EXPERIMENT
from rulezero.lab.description import PROGRAM_PARTS, read_description
from rulezero.lab.links import read_links
from rulezero.load import LoadPlan
from rulezero.load.plan import decode, encode
from rulezero.settings import read_settings
from rulezero.toggles import settings as toggle_settings
from rulezero.toggles.store import ToggleStore

_LINKS = ROOT / "toxics/links.json"
_LAB = ROOT / "services/lab.toml"
_DEFENCES = ROOT / "services/config/defences.toml"
_HOSTS = (*PROGRAM_PARTS, "edge", "catalog-1", "catalog-2", "checkout", "payment", "inventory", "mailer")


class DefencesFile(Target):
    """A defences file; what is accepted can be shown by the admin port."""

    name, share = "defences.toml", 18

    def attempt(self, random: Random) -> bool:
        """Parse one text."""
        text = odd.toml_text(random, _DEFENCES.read_text(encoding="utf-8"))
        toggles = toggle_settings.parse(text, source="defences.toml")
        orjson.dumps(msgspec.to_builtins({name: [one.config, one.per_dependency] for name, one in toggles.items()}))
        return True


class LinksFile(Target):
    """A links file."""

    name, share = "links.json", 14

    def attempt(self, random: Random) -> bool:
        """Read one file."""
        path = self._folder / "links.json"
        path.write_bytes(_bytes(random, odd.json_text(random, json.loads(_LINKS.read_bytes()))))
        read_links(path, _HOSTS, ("users-edge",) if random.random() < 0.5 else ())
        return True


class LabFile(Target):
    """The description of the shop."""

    name, share = "lab.toml", 12

    def attempt(self, random: Random) -> bool:
        """Read one file."""
        path = self._folder / "lab.toml"
        path.write_bytes(_bytes(random, odd.toml_text(random, _LAB.read_text(encoding="utf-8"))))
        read_description(path, ROOT)
        return True


class Plan(Target):
    """A load plan; from one that is accepted the phases of a run can be told."""

    name, share = "load plan", 12

    def attempt(self, random: Random) -> bool:
        """Decode one text."""
        plan = LoadPlan(
            seed=1,
            host="http://127.0.0.1:8000",
            windows=EXPERIMENT.durations.windows(),
            streams=EXPERIMENT.streams,
            rows_path="rows.csv",
            generator_path="generator.csv",
            run_id="fuzz",
        )
        decoded = decode(_bytes(random, odd.json_text(random, json.loads(encode(plan)))))
        decoded.phase_at(decoded.duration_s / 2)
        encode(decoded)
        return True


class Environment(Target):
    """The environment of a service process, with its defences file."""

    name, share = "environment", 10

    def attempt(self, random: Random) -> bool:
        """Read one environment."""
        good: dict[str, str] = {
            "RULEZERO_SERVICE": "edge",
            "RULEZERO_LINKS": '{"edge-checkout": "127.0.0.1:4001"}',
            "RULEZERO_DEFENCES_FILE": str(_DEFENCES),
            "RULEZERO_SEED": "1",
            "RULEZERO_SLOTS": "36",
            "RULEZERO_SERVICE_S": "0.1",
            "RULEZERO_POOL_SIZE": "4",
            "RULEZERO_CACHE_TTL_S": "2.5",
        }
        for name in random.sample(sorted(good), random.choice((1, 1, 2))):
            good[name] = self._odd(random, good[name])
        if random.random() < 0.1:
            del good[random.choice(sorted(good))]
        settings = read_settings(good)
        ToggleStore(settings.defences_file, clock=lambda: 0.0)
        return True

    def _odd(self, random: Random, original: str) -> str:
        written = odd.spoilt(random, original) if random.random() < 0.6 else _shown(odd.value(random))
        return written.replace("\0", "")  # No environment can hold it.


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bytes(random: Random, text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return odd.spoilt_bytes(random, data) if random.random() < 0.1 else data
