import pytest

from rulezero.errors import UsageProblem
from rulezero.toggles.presets import PRESETS, enable, preset, without_naive
from rulezero.toggles.settings import NAMES, Toggles, defaults, merge, parse


def on(toggles: Toggles) -> set[str]:
    return {name for name, toggle in toggles.items() if toggle.enabled}


def test_there_is_a_preset_for_each_defence_beside_none_naive_and_all() -> None:
    """So that what one defence buys can be seen alone."""
    assert set(PRESETS) == {"none", "naive", "all", *NAMES}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_decides_about_every_defence(name: str) -> None:
    """Whatever was on before; going from one preset to the next leaves nothing behind."""
    expected = {"none": set(), "all": set(NAMES), "naive": {"timeout", "retry"}}.get(name, {name})
    assert on(preset(preset(defaults(), "all"), name)) == expected
    assert on(preset(defaults(), name)) == expected


def test_a_preset_keeps_the_numbers_of_the_file() -> None:
    """It switches; the file says how much."""
    base = parse("[timeout]\ntimeout_s = 0.123\n[timeout.dependency.payment]\ntimeout_s = 0.045", source="f")
    toggle = preset(base, "all")["timeout"]
    assert (toggle.config.timeout_s, toggle.config_for("payment").timeout_s) == (0.123, 0.045)


def test_naive_retries_at_two_layers_without_jitter_and_waits_as_long_as_its_caller() -> None:
    """The mistakes are the point: they also hold for the dependencies that the file treats apart."""
    base = parse("[timeout.dependency.payment]\ntimeout_s = 0.1", source="f")
    toggles = preset(base, "naive")
    retry = toggles["retry"].config
    assert (retry.jitter, retry.multiplier, retry.nested) == ("none", 1.0, True)
    assert {"edge", "checkout"} <= set(retry.callers)
    assert toggles["timeout"].config_for("payment").timeout_s == toggles["timeout"].config.timeout_s == 1.0


def test_naive_numbers_do_not_outlive_the_preset() -> None:
    """A file that held "naive" gives the defaults back; numbers of the user's own stay."""
    left = without_naive(preset(defaults(), "naive"))
    assert left["retry"].config == defaults()["retry"].config
    assert left["timeout"].config == defaults()["timeout"].config
    apart = preset(parse("[timeout.dependency.payment]\ntimeout_s = 0.1", source="f"), "naive")
    assert without_naive(apart)["timeout"].config_for("payment") == defaults()["timeout"].config
    since = merge(apart, {"timeout": {"dependency": {"payment": {"timeout_s": 0.2}}}})
    assert without_naive(since)["timeout"].config_for("payment").timeout_s == 0.2
    own = parse("[timeout]\ntimeout_s = 0.123\n[timeout.dependency.payment]\ntimeout_s = 1.0", source="f")
    assert without_naive(own) == own


@pytest.mark.parametrize("name", ["", "All", "nothing", "a\nb"])
def test_an_unknown_preset_or_defence_is_told_with_the_ones_there_are(name: str) -> None:
    """In one line."""
    with pytest.raises(UsageProblem, match="is not a preset; there are: none, naive, all") as caught:
        preset(defaults(), name)
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageProblem, match="is not a defence; there are: "):
        enable(defaults(), ("timeout", name))
