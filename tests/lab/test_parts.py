from pathlib import Path

from rulezero.lab.parts import Parts


def test_a_problem_is_one_line_with_the_last_words(tmp_path: Path) -> None:
    """Empty lines say nothing."""
    parts = Parts(tmp_path, tmp_path)
    assert str(parts.problem("cache", "did not start")).startswith("cache did not start (it said nothing); see ")
    parts.log("cache").write_text("starting\nno room\n\n", encoding="utf-8")
    assert "(no room)" in str(parts.problem("cache", "did not start"))
