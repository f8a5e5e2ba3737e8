from pathlib import Path

import pytest

from rulezero.errors import UsageProblem
from rulezero.settings import Settings, read_settings

LEAST = {"RULEZERO_SERVICE": "edge", "RULEZERO_LINKS": '{"edge-checkout": "127.0.0.1:4001"}'}


def read(**more: str) -> Settings:
    return read_settings({**LEAST, **more})


def test_a_service_needs_its_name_and_its_links() -> None:
    """Everything else has a default."""
    settings = read()
    assert (settings.service, settings.instance, settings.seed) == ("edge", "edge", 0)
    assert settings.links == {"edge-checkout": "127.0.0.1:4001"}
    assert settings.defences_file is None
    assert settings.otlp_endpoint is None
    assert "{address}" in settings.database
    assert settings.number("slots", 64) == 64


def test_the_environment_says_the_rest() -> None:
    """An empty variable counts as not set where text is meant: that is how compose writes it."""
    settings = read(
        RULEZERO_INSTANCE="edge-2",
        RULEZERO_DEFENCES_FILE="/etc/defences.toml",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318",
        RULEZERO_SEED="-9007199254740993",
        RULEZERO_SLOTS="8",
        RULEZERO_PREFETCH="500",
        RULEZERO_SERVICE_S="0",
        RULEZERO_SERVICE_CV="0.5",
        RULEZERO_CACHE_TTL_S="0.5",
    )
    assert (settings.instance, settings.defences_file) == ("edge-2", Path("/etc/defences.toml"))
    assert settings.otlp_endpoint == "http://127.0.0.1:4318"
    assert settings.seed == -9007199254740993
    names = ("slots", "prefetch", "service_s", "service_cv", "cache_ttl_s", "pool_size")
    assert [settings.number(name, -1) for name in names] == [8, 500, 0, 0.5, 0.5, -1]
    assert read(OTEL_EXPORTER_OTLP_ENDPOINT="", RULEZERO_DEFENCES_FILE="").otlp_endpoint is None


def from_file(text: str, folder: Path) -> Settings:
    (folder / "links.json").write_text(text, encoding="utf-8")
    told = {"RULEZERO_LINKS_FILE": str(folder / "links.json"), "RULEZERO_LINKS_HOST": "toxiproxy"}
    return read_settings({"RULEZERO_SERVICE": "edge", **told})


def test_links_may_come_from_toxiproxys_own_file(tmp_path: Path) -> None:
    """Their ports are there, the host is told; what is told as such comes first."""
    text = '[{"name": "edge-checkout", "listen": "0.0.0.0:21003", "upstream": "checkout:8000", "enabled": true}]'
    assert from_file(text, tmp_path).links == {"edge-checkout": "toxiproxy:21003"}
    both = {"RULEZERO_LINKS_FILE": str(tmp_path / "links.json"), "RULEZERO_LINKS_HOST": "toxiproxy"}
    assert read(**both).links == {"edge-checkout": "127.0.0.1:4001"}


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[1]", "[" * 3000, '[{"name": "a"}]', '[{"name": "a", "listen": "x:y"}]', '"text"']
)
def test_a_malformed_file_of_links_is_named(text: str, tmp_path: Path) -> None:
    """In one line, with what belongs there."""
    with pytest.raises(UsageProblem, match=r"links\.json must be a JSON list of links"):
        from_file(text, tmp_path)


def test_a_missing_file_of_links_is_named(tmp_path: Path) -> None:
    """And so is the host that is not told."""
    missing = {"RULEZERO_SERVICE": "edge", "RULEZERO_LINKS_FILE": str(tmp_path / "none.json")}
    with pytest.raises(UsageProblem, match=r"^RULEZERO_LINKS_HOST is not set"):
        read_settings(missing)
    with pytest.raises(UsageProblem, match=r"none\.json cannot be read .*; correct RULEZERO_LINKS_FILE"):
        read_settings({**missing, "RULEZERO_LINKS_HOST": "toxiproxy"})


@pytest.mark.parametrize("name", LEAST)
def test_a_missing_variable_is_named(name: str) -> None:
    """In one line."""
    with pytest.raises(UsageProblem, match=f"^{name} is not set"):
        read_settings({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, text) for name in ("SLOTS", "POOL_SIZE") for text in ("", "many", "0", "-1", "0.5", "nan", "inf")),
        *((name, text) for name in ("SERVICE_S", "CACHE_TTL_S") for text in ("", "long", "-0.1", "nan", "inf")),
        ("CACHE_TTL_S", "0"),
        *(("SERVICE_CV", text) for text in ("", "wide", "-0.1", "nan", "inf", "10.1")),
        *(("PREFETCH", text) for text in ("", "0", "1001")),
        *(("SEED", text) for text in ("", "x", "1.5", "nan", "1e3")),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(name: str, text: str) -> None:
    """A service without slots would hang, one with a negative service time would answer before it was asked."""
    with pytest.raises(UsageProblem, match=f"^RULEZERO_{name} must be a .*number.*; correct the environment"):
        read(**{f"RULEZERO_{name}": text})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "edge-checkout=127.0.0.1:4001",
        "[]",
        "null",
        '{"a": 1}',
        '{"a": null}',
        '{"a": "127.0.0.1"}',
        '{"a": "127.0.0.1:"}',
        '{"a": ":1"}',
        '{"a": "127.0.0.1:http"}',
        '{"a": "http://127.0.0.1:1/x"}',
        "[" * 100_000,
    ],
)
def test_links_that_lead_nowhere_are_refused(text: str) -> None:
    """With an example of what is meant."""
    with pytest.raises(UsageProblem, match=r"^RULEZERO_LINKS must be JSON, as in: "):
        read(RULEZERO_LINKS=text)


def test_settings_cannot_be_changed() -> None:
    """They are read once."""
    with pytest.raises(AttributeError):
        read().seed = 1  # type: ignore[misc]  # That is the point.
