import pytest

from rulezero.errors import Problem, StorageProblem, UsageProblem


@pytest.mark.parametrize("kind", [Problem, UsageProblem, StorageProblem])
def test_a_problem_is_one_line(kind: type[Problem]) -> None:
    """Whatever it quotes: a key with a line break, an error of a library with several lines, a separator of Unicode."""
    assert str(kind("lab.toml: unknown key `a\nb`\r\n; remove\u2028it")) == "lab.toml: unknown key `a b` ; remove it"


def test_a_problem_has_an_end() -> None:
    """Of what is very long both ends are told: the thing and the remedy."""
    told = str(Problem(f"name {'x' * 100_000} remedy"))
    assert len(told) < 5000
    assert told.startswith("name x")
    assert told.endswith("x remedy")
