"""Mirrors rulezero/toxiproxy/metrics.py."""

from rulezero.toxiproxy.metrics import Metrics

LABELS = ("upstream", "p", "127.0.0.1:1", "127.0.0.1:2")


def test_off_unless_asked_for() -> None:
    """Without a flag there is nothing to count with and nothing to show."""
    metrics = Metrics()
    assert (metrics.enabled, metrics.proxy_bytes) == (False, None)


def test_counts_add_up_over_connections() -> None:
    """Connections of the same proxy and direction share a counter."""
    metrics = Metrics(proxy=True)
    assert metrics.proxy_bytes is not None
    for _ in range(2):
        metrics.proxy_bytes.counter(LABELS)(10, 7)
    text = metrics.render().decode()
    labels = '{direction="upstream",listener="127.0.0.1:1",proxy="p",upstream="127.0.0.1:2"}'
    assert f"toxiproxy_proxy_received_bytes_total{labels} 20.0\n" in text
    assert f"toxiproxy_proxy_sent_bytes_total{labels} 14.0\n" in text
    assert "process_" not in text
