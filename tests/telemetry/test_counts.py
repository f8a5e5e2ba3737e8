import threading

from prometheus_client import REGISTRY, generate_latest

from rulezero.telemetry.counts import LoopCounter
from tests.counters import Change


def test_a_series_is_counted_and_exported() -> None:
    """As Prometheus wants a counter: with its text, its type and the ending `_total`."""
    counter = LoopCounter("counts_test", "A text.", ["colour", "shape"])
    red = Change("counts_test_total", colour="red", shape="round")
    counter.series(colour="red", shape="round").value += 2
    counter.series(shape="round", colour="red").value += 1
    counter.series(colour="blue", shape="round").value += 7
    assert red() == 3
    text = generate_latest().decode()
    assert "# HELP counts_test_total A text.\n# TYPE counts_test_total counter\n" in text
    assert 'counts_test_total{colour="blue",shape="round"} 7.0\n' in text
    REGISTRY.unregister(counter)


def test_new_series_do_not_disturb_a_scrape_from_another_thread() -> None:
    """The admin port is served from a thread of its own."""
    counter, stop = LoopCounter("counts_race", "A text.", ["number"]), threading.Event()
    seen: list[int] = []

    def scrape() -> None:
        while not stop.is_set():
            seen.append(sum(len(family.samples) for family in counter.collect()))

    thread = threading.Thread(target=scrape)
    thread.start()
    for number in range(20_000):
        counter.series(number=str(number)).value += 1
    stop.set()
    thread.join()
    REGISTRY.unregister(counter)
    assert seen
    assert seen == sorted(seen)
