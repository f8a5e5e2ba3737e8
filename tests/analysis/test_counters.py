"""Counters: growth between two instants, over processes, label sets and label values."""

import polars as pl
import pytest

from rulezero.analysis.counters import increase, increase_by, label_value, link_group, select
from tests.analysis.frames import metrics, sample


@pytest.mark.parametrize(
    ("start_s", "end_s", "evenly", "suddenly"),
    [
        (0, 1, 4, 4),
        (0, 0.9, 0, 0),  # Before the first sample there is nothing to go by.
        (1, 2, 6, 6),
        (0, 5, 10, 10),
        (1.5, 1.75, 1.5, 0),
        (1.25, 9, 4.5, 6),
        (2, 5, 0, 0),  # After the last one neither.
        (0.5, 1.5, 7, 4),
    ],
)
def test_growth_is_taken_between_two_instants(start_s: float, end_s: float, evenly: float, suddenly: float) -> None:
    """4 at 1 s, 10 at 2 s: in between in proportion, or as long as the next sample is not there, 4."""
    grown = metrics(sample(1, "a_total", 4), sample(2, "a_total", 10))
    assert increase(grown, "a_total", start_s=start_s, end_s=end_s) == evenly
    assert increase(grown, "a_total", start_s=start_s, end_s=end_s, sudden=True) == suddenly
    all_of_it = pl.lit("all")
    assert increase_by(grown, "a_total", all_of_it, start_s=start_s, end_s=end_s) == {"all": evenly}
    assert increase_by(grown, "a_total", all_of_it, start_s=start_s, end_s=end_s, sudden=True) == {"all": suddenly}


def test_a_counter_that_begins_anew_goes_on_where_it_was() -> None:
    """10, then 2 and 5 of a process that was started again: 15 in all, wherever one looks from."""
    grown = metrics(sample(3, "a_total", 5), sample(1, "a_total", 10), sample(2, "a_total", 2))
    assert increase(grown, "a_total", start_s=0, end_s=1.5) == 11
    assert increase(grown, "a_total", start_s=1, end_s=3) == 5
    assert increase(grown, "a_total", start_s=0, end_s=9, sudden=True) == 15
    assert increase_by(grown, "a_total", pl.lit("all"), start_s=1.5, end_s=9) == {"all": 4}


def test_each_series_is_in_proportion_to_its_own_samples() -> None:
    """At 2 s: half of 1 to 3 s of one process, a quarter of 1.5 to 3.5 s of the other."""
    grown = metrics(
        sample(1, "a_total", 0),
        sample(3, "a_total", 8),
        sample(1.5, "a_total", 0, process="checkout"),
        sample(3.5, "a_total", 400, process="checkout"),
    )
    assert increase(grown, "a_total", start_s=0, end_s=2) == 4 + 100


def test_adjacent_windows_add_up() -> None:
    """Nothing is counted twice or lost at the edge of a phase."""
    grown = metrics(*(sample(second + 0.7, "a_total", 3 * second) for second in range(20)))
    parts = [increase(grown, "a_total", start_s=at_s, end_s=at_s + 2.5) for at_s in (0, 2.5, 5.0, 7.5)]
    assert sum(parts) == increase(grown, "a_total", start_s=0, end_s=10)


def test_samples_need_no_order() -> None:
    """The nearest two count, wherever their lines are."""
    grown = metrics(sample(3, "a_total", 9), sample(1, "a_total", 4), sample(2, "a_total", 6))
    assert increase(grown, "a_total", start_s=1, end_s=2.5) == 2 + 3 / 2


def test_processes_and_label_sets_are_summed() -> None:
    """Two processes and two label sets, of which one appears late and begins at 0."""
    grown = metrics(
        sample(1, "a_total", 1, 'link="x"'),
        sample(1, "a_total", 10, 'link="x"', process="checkout"),
        sample(2, "a_total", 3, 'link="x"'),
        sample(2, "a_total", 5, 'link="y"'),
        sample(2, "a_total", 10, 'link="x"', process="checkout"),
        sample(2, "b_total", 99),
    )
    assert increase(grown, "a_total", start_s=1, end_s=2) == 2 + 5 + 0
    assert increase(grown, "a_total", start_s=1, end_s=2, labels={"link": "x"}) == 2


def test_a_process_that_was_not_scraped_grew_on() -> None:
    """A missing scrape is not a fall to 0, nor a halt."""
    grown = metrics(sample(1, "a_total", 4), sample(3, "a_total", 8), sample(2, "a_total", 1, process="checkout"))
    assert increase(grown, "a_total", start_s=1, end_s=2) == 1 + 2
    assert increase(grown, "a_total", start_s=2, end_s=3) == 2


def test_a_metric_that_is_not_there_did_not_grow() -> None:
    """Neither an unknown name nor an empty table is an error."""
    assert increase(metrics(), "a_total", start_s=0, end_s=1) == 0
    assert increase(metrics(sample(1, "a_total", 4)), "b_total", start_s=0, end_s=1) == 0
    assert increase_by(metrics(), "a_total", link_group(), start_s=0, end_s=1) == {}


@pytest.mark.parametrize(
    ("labels", "wanted", "matches"),
    [
        ('link="a"', {"link": "a"}, True),
        ('x="1",link="a",y="2"', {"link": "a", "y": "2"}, True),
        ('link="a-1"', {"link": "a"}, False),
        ('uplink="a"', {"link": "a"}, False),
        ('link="axb"', {"link": "a.b"}, False),
        ('link="a.b (c) d"', {"link": "a.b (c) d"}, True),
        ("", {"link": "a"}, False),
        ("", {}, True),
    ],
)
def test_labels_match_as_a_whole(labels: str, wanted: dict[str, str], *, matches: bool) -> None:
    """Neither a part of a name, nor a part of a value, nor a pattern."""
    assert select(metrics(sample(1, "a", 1, labels)), "a", wanted).height == int(matches)


def test_links_of_one_service_are_one_group() -> None:
    """edge-catalog-1 and -2 are counted together; a group that did not grow is there with 0."""
    grown = metrics(
        sample(1, "a_total", 1, 'link="edge-catalog-1",attempt="first"'),
        sample(1, "a_total", 2, 'link="edge-catalog-2",attempt="first"'),
        sample(1, "a_total", 4, 'link="edge-catalog-2",attempt="retry"'),
        sample(1, "a_total", 8, 'link="edge-checkout"'),
        sample(3, "a_total", 9, 'link="edge-checkout"'),
        sample(3, "a_total", 5, 'dependency="no link"'),
    )
    assert increase_by(grown, "a_total", link_group(), start_s=0, end_s=2) == {"edge-catalog": 7, "edge-checkout": 8.5}
    assert increase_by(grown, "a_total", link_group(), start_s=2, end_s=4) == {"edge-catalog": 0, "edge-checkout": 0.5}


def test_a_label_value_is_taken_out_of_the_text() -> None:
    """Null where the label is not there."""
    frame = pl.DataFrame({"labels": ['a="1",b="x y"', 'b="2"', ""]}).select(
        label_value("a"), label_value("b").alias("b")
    )
    assert frame.rows() == [("1", "x y"), (None, "2"), (None, None)]
