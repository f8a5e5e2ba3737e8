import pytest

from rulezero.errors import UsageProblem
from rulezero.toggles.settings import NAMES, defaults, merge, parse


def problem_of(text: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        parse(text, source="defences.toml")
    return str(caught.value)


def test_an_empty_file_has_every_defence_off() -> None:
    """With its default numbers."""
    assert parse("", source="f") == defaults()
    assert {name for name, toggle in defaults().items() if not toggle.enabled} == set(NAMES)


def test_a_file_sets_what_it_names_and_nothing_else() -> None:
    """The other numbers and defences keep their defaults."""
    toggles = parse('[retry]\nenabled = true\nattempts_max = 5\ncallers = ["checkout"]', source="f")
    assert toggles["retry"].enabled
    assert (toggles["retry"].config.attempts_max, toggles["retry"].config.callers) == (5, ("checkout",))
    assert toggles["retry"].config.cap_s == defaults()["retry"].config.cap_s
    assert {name: one for name, one in toggles.items() if name != "retry"} == {
        name: one for name, one in defaults().items() if name != "retry"
    }


def test_a_whole_number_serves_where_seconds_are_meant() -> None:
    """`timeout_s = 1` need not be written 1.0."""
    assert parse("[timeout]\ntimeout_s = 1", source="f")["timeout"].config.timeout_s == 1.0


def test_numbers_for_one_dependency_lie_over_the_common_ones() -> None:
    """Each key by itself; other dependencies get the common numbers."""
    text = "[bulkhead]\npermits = 10\nqueue_max = 4\n[bulkhead.dependency.payment]\npermits = 2"
    bulkhead = parse(text, source="f")["bulkhead"]
    payment, catalog = bulkhead.config_for("payment"), bulkhead.config_for("catalog")
    assert (payment.permits, payment.queue_max) == (2, 4)
    assert (catalog.permits, catalog.queue_max) == (10, 4)


def test_the_order_of_tables_does_not_matter() -> None:
    """Numbers for one dependency may stand before the common ones."""
    common, single = "[timeout]\ntimeout_s = 0.8\n", "[timeout.dependency.payment]\ntimeout_s = 0.5\n"
    assert parse(common + single, source="f") == parse(single + common, source="f")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[timeout]\n\n[tiemout]\nenabled = true", 3, ["tiemout", "not a defence", "circuit_breaker"]),
        ("[timeout]\nenabled = true\ntimeout = 3", 3, ["[timeout] timeout", "not a key", "timeout_s"]),
        ("[timeout]\ntimeout_s = 'fast'", 2, ["[timeout] timeout_s", "float"]),
        ("[timeout]\ntimeout_s = 0", 2, ["[timeout] timeout_s", "> 0"]),
        ("[timeout]\ntimeout_s = 4000", 2, ["[timeout] timeout_s", "<= 3600"]),
        ("[timeout]\ntimeout_s = nan", 2, ["[timeout] timeout_s"]),
        ("[timeout]\ntimeout_s = inf", 2, ["[timeout] timeout_s"]),
        ("[bulkhead]\npermits = 2.5", 2, ["[bulkhead] permits", "int"]),
        ("[bulkhead]\npermits = true", 2, ["[bulkhead] permits", "int"]),
        ("[retry]\n# why\njitter = 'some'", 3, ["[retry] jitter", "some"]),
        ("[retry]\ncallers = ['edge',\n 3]", 2, ["[retry] callers[1]", "str"]),
        ("[retry]\ncallers = ['edge', 'checkout']", 2, ["[retry] callers", "nested"]),
        ("[retry]\nenabled = true\nbase_s = 5", 3, ["[retry] base_s", "cap_s"]),
        ("[timeout]\nenabled = 1", 2, ["[timeout] enabled", "true or false", "1"]),
        ("[timeout]\nenabled = 'yes'", 2, ["[timeout] enabled", "'yes'"]),
        ("[timeout]\ndependency = 3", 2, ["[timeout] dependency", "tables"]),
        ("[timeout.dependency]\npayment = 3", 1, ["[timeout] dependency", "tables"]),
        ("timeout = 3", 1, ["[timeout]", "table"]),
        ("\n[[timeout]]\nenabled = true", 2, ["[timeout]", "table"]),
    ],
)
def test_a_value_that_is_not_allowed_is_told_in_one_line(text: str, line: int, words: list[str]) -> None:
    """With the file, the line, the table, the key and what is allowed."""
    problem = problem_of(text)
    assert problem.startswith(f"defences.toml, line {line}: ")
    assert "\n" not in problem
    assert all(word in problem for word in words), problem


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[timeout]\ntimeout_s = 0.5\n[timeout.dependency.payment]\ntimeout_s = -1", 4),
        ("[timeout]\ntimeout_s = 0.5\n[ timeout . dependency . 'payment' ]\n'timeout_s' = -1", 4),
        ("[timeout]\nenabled = true\ndependency.payment.timeout_s = -1", 3),
        ("[timeout]\ndependency = { payment = { timeout_s = -1 } }", 2),
        ("timeout.timeout_s = 1\ntimeout.dependency.payment.timeout_s = -1", 2),
        ("\n\ntimeout = { enabled = true, dependency = { payment = { timeout_s = -1 } } }", 3),
        ("[timeout.dependency.catalog]\ntimeout_s = 1\n[timeout.dependency.payment]\ntimeout_s = -1", 4),
        ("[deadline]\r\n[timeout.dependency.payment]\r\ntimeout_s = -1\r\n", 3),
    ],
)
def test_the_line_is_found_however_the_table_is_written(text: str, line: int) -> None:
    """Numbers for one dependency can be written in many ways that mean the same."""
    assert problem_of(text).startswith(f"defences.toml, line {line}: [timeout.dependency.payment] timeout_s: ")


def test_the_line_is_that_of_the_table_meant_not_of_a_namesake() -> None:
    """A comment, a string or another table that looks like the key does not lead astray."""
    text = "[deadline] # [retry]\n# base_s = 9\n[retry]\n'jitter' = 'full' # base_s = 9\ncap_s = 1.0\nbase_s = 9"
    assert "line 6: [retry] base_s" in problem_of(text)


def test_numbers_at_odds_are_told_where_they_were_made_so() -> None:
    """base_s stands in the common table; the table that lowers cap_s below it is the one at fault."""
    text = "[retry]\nbase_s = 0.5\n\n[retry.dependency.payment]\ncap_s = 0.1"
    assert problem_of(text).startswith("defences.toml, line 4: [retry.dependency.payment] base_s: ")


@pytest.mark.parametrize(
    "text",
    [
        "[timeout\nenabled = true",
        "[timeout]\nenabled = True",
        "[timeout]\nenabled = true\nenabled = false",
        "[timeout]\n[timeout]",
        "\0",
        "�",
        "a = " + "9" * 5000,
        "a = " + "[" * 5000,
    ],
)
def test_what_is_not_toml_is_told_in_one_line(text: str) -> None:
    """The parser's own words tell the line."""
    problem = problem_of(text)
    assert problem.startswith("defences.toml: not valid TOML: ")
    assert "\n" not in problem
    assert len(problem) < 500


def test_a_hostile_name_or_value_makes_neither_more_lines_nor_a_long_one() -> None:
    """Names are the user's, and a message is one line."""
    for text in (
        '["a\\nb"]\nx = 1',
        f"[{'a' * 10_000}]",
        '[timeout]\n"a\\nb" = 1',
        '[retry]\njitter = "a\\nb"',
        f'[retry]\njitter = "{"a" * 10_000}"',
        f'[timeout]\nenabled = "{"a" * 10_000}"',
        '[timeout.dependency."a\\u2028b"]\ntimeout_s = 0',
    ):
        problem = problem_of(text)
        assert len(problem.splitlines()) == 1
        assert len(problem) < 500


def test_a_merge_keeps_what_it_does_not_name() -> None:
    """Also the numbers of one dependency that a further table for it does not name."""
    base = parse("[bulkhead]\npermits = 9\n[bulkhead.dependency.payment]\npermits = 2", source="f")
    merged = merge(base, {"bulkhead": {"enabled": True, "dependency": {"payment": {"queue_max": 5}}}})["bulkhead"]
    assert merged.enabled
    assert merged.config.permits == 9
    assert (merged.config_for("payment").permits, merged.config_for("payment").queue_max) == (2, 5)


def test_a_common_number_laid_over_holds_for_every_dependency() -> None:
    """An experiment that says "timeout_s = 2" means all calls, also those that the file treats apart."""
    base = parse("[timeout]\n[timeout.dependency.payment]\ntimeout_s = 0.3", source="f")
    merged = merge(base, {"timeout": {"timeout_s": 2.0}})["timeout"]
    assert merged.config_for("payment").timeout_s == merged.config.timeout_s == 2.0


def test_a_merge_that_fails_leaves_its_base_alone() -> None:
    """Toggles are replaced whole or not at all."""
    base = defaults()
    with pytest.raises(UsageProblem):
        merge(base, {"timeout": {"enabled": True}, "retry": {"attempts_max": 0}})
    assert base == defaults()
