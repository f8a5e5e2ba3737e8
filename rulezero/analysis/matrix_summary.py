"""What a matrix says, in few sentences: who does harm, which defence carries the effect, and which pair fights."""

from collections.abc import Mapping, Sequence
from typing import Any


def summary(
    total: Mapping[str, Any],
    alone: Mapping[str, Mapping[str, Any]],
    without: Mapping[str, Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    rounds: int,
) -> str:
    """Return who does harm alone, which defence carries the effect and which pair fights; or that it is not clear."""
    return f"{_harm_alone(alone)}{_carried(total, alone, without, rounds)} {_fights(pairs, rounds)}"


def _harm_alone(alone: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the sentence that comes first: beside others it may not show, but whoever takes that one alone has it."""
    harmful = [name for name, effect in alone.items() if effect["says"] == "worse"]
    if not harmful:
        return ""
    return f"{_listed(harmful)} alone {'does' if len(harmful) == 1 else 'each do'} harm. "


def _carried(
    total: Mapping[str, Any],
    alone: Mapping[str, Mapping[str, Any]],
    without: Mapping[str, Mapping[str, Any]],
    rounds: int,
) -> str:
    carriers = [name for name, effect in without.items() if effect["says"] == "better"]
    harmful = [name for name, effect in without.items() if effect["says"] == "worse"]
    harm = f" All do better without {_listed(harmful)}." if harmful else ""
    if total["says"] == "worse":
        return f"All together do harm.{harm}"
    if total["says"] == "nothing":
        return f"All together change nothing.{harm}"
    if carriers and total["says"] == "better":
        return f"{_listed(carriers)} {'carries' if len(carriers) == 1 else 'carry'} the effect.{harm}"
    enough = [name for name, effect in alone.items() if effect["says"] == "better"]
    spare = all(effect["says"] in ("nothing", "worse") for effect in without.values())
    if total["says"] == "better" and spare and enough:
        do = "does" if len(enough) == 1 else "do"
        return (
            f"No single defence carries the effect: any one can be left out, and {_listed(enough)} {do} it alone.{harm}"
        )
    return f"Which defence carries the effect is not clear after {_counted(rounds)}.{harm}"


def _fights(pairs: Sequence[Mapping[str, Any]], rounds: int) -> str:
    fighting = [f"{pair['pair'][0]} and {pair['pair'][1]} fight" for pair in pairs if pair["says"] == "fights"]
    open_pairs = sum(pair["says"] == "not clear" for pair in pairs)
    if not open_pairs:
        return f"{'; '.join(fighting)}." if fighting else "No pair fights."
    rest = f"{open_pairs} of {len(pairs)} pairs {'is' if open_pairs == 1 else 'are'} not clear"
    return f"{'; '.join([*fighting, rest])} after {_counted(rounds)}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(rounds: int) -> str:
    return f"{rounds} valid round{'' if rounds == 1 else 's'}"
