"""Samples: what the text format holds comes back out of the columnar file, and a full disk is told in one line."""

import errno
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rulezero.collect.samples import HEADER, SampleLog, split
from rulezero.errors import StorageProblem


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("up 1.0", ("up", "", "1.0")),
        ('a_total{link="x"} 3', ("a_total", 'link="x"', "3")),
        ('a{text="two words"} 1', ("a", 'text="two words"', "1")),
        ('a{text="{curly}"} 1', ("a", 'text="{curly}"', "1")),
        ('a{text="ends in }"} 1', ("a", 'text="ends in }"', "1")),
        (r'a{text="say \"hi\" }"} 1', ("a", r'text="say \"hi\" }"', "1")),
        ('a{text="line\x0bbreak\u2028s"} 1', ("a", 'text="line\x0bbreak\u2028s"', "1")),
        ("a 1.5e-07", ("a", "", "1.5e-07")),
        ("a 2.3E+12", ("a", "", "2.3E+12")),
        ("a NaN", ("a", "", "NaN")),
        ('a_bucket{le="+Inf"} +Inf', ("a_bucket", 'le="+Inf"', "+Inf")),
        ("a -Inf", ("a", "", "-Inf")),
    ],
)
def test_each_line_is_name_labels_value(line: str, expected: tuple[str, str, str]) -> None:
    """Spaces, braces and quotes within a label's value, and every kind of number."""
    assert list(split(line)) == [expected]


def test_comments_and_empty_lines_are_no_samples() -> None:
    """HELP, TYPE and blank lines are left out."""
    assert list(split("# HELP a Some help {x} 1.\n# TYPE a counter\n\na 1\n")) == [("a", "", "1")]


def test_what_the_client_library_writes_comes_back() -> None:
    """Every series of a real registry is found, with its value."""
    registry = CollectorRegistry()
    Counter("calls", "Calls.", ["link"], registry=registry).labels(link='a "b" {c}').inc(5)
    Gauge("lag", "Lag.", registry=registry).set(float("nan"))
    Histogram("wait", "Wait.", registry=registry, buckets=(0.1, 1)).observe(0.5)
    found = {(name, labels): value for name, labels, value in split(generate_latest(registry).decode())}
    assert found["calls_total", r'link="a \"b\" {c}"'] == "5.0"
    assert found["lag", ""] == "NaN"
    assert [found["wait_bucket", f'le="{bound}"'] for bound in ("0.1", "1.0", "+Inf")] == ["0.0", "1.0", "1.0"]


def test_scrapes_and_samples_are_rows_of_one_file(tmp_path: Path) -> None:
    """A header, then five fields a line; flushed text is in the file before it is closed."""
    path = tmp_path / "metrics.tsv"
    log = SampleLog(path)
    log.exposition(1.25, "edge", 'a_total{link="x"} 3\n')
    log.sample(1.5, "machine", "cores", "", 0.123456789)
    log.flush()
    written = path.read_text(encoding="utf-8")
    log.close()
    assert written == HEADER + '1.250\tedge\ta_total\tlink="x"\t3\n' + "1.500\tmachine\tcores\t\t0.123457\n"


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Flushing and closing name the file and the remedy; what was written before stays."""
    path = tmp_path / "metrics.tsv"
    log = SampleLog(path)
    log.sample(1.0, "machine", "cores", "", 1.0)
    log.flush()
    full = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115 - the log closes it.
    log._file.close()
    log._file = full
    log.sample(2.0, "machine", "cores", "", 1.0)
    for again in (log.flush, log.close):
        with pytest.raises(StorageProblem, match=r"metrics\.tsv: No space left on device; free some space"):
            again()
    assert full.closed
    assert path.read_text(encoding="utf-8").count("\n") == 2


def test_a_full_disk_while_writing_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the buffer overflows in the middle of a scrape."""

    class Full:
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            """Do nothing."""

    log = SampleLog(tmp_path / "metrics.tsv")
    log._file.close()
    monkeypatch.setattr(log, "_file", Full())
    with pytest.raises(StorageProblem, match="No space left on device"):
        log.exposition(1.0, "edge", "a 1\n")


def test_what_is_followed_is_there_at_its_newest(tmp_path: Path) -> None:
    """By process and labels; what nobody follows is only written."""
    log = SampleLog(tmp_path / "metrics.tsv", follow=("state",))
    log.exposition(1.0, "edge", 'state{to="x"} 0.0\nother 5\n')
    log.exposition(2.0, "edge", 'state{to="x"} 2.0\n')
    log.close()
    assert log.latest == {"state": {("edge", 'to="x"'): 2.0}}
