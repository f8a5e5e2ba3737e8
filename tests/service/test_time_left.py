"""TimeLeft: what is begun can be finished, and nobody is locked out."""

from rulezero.service.time_left import TimeLeft


def test_while_nothing_is_known_any_time_is_enough() -> None:
    """And none is not."""
    left = TimeLeft()
    assert left.suffices(0.001, queued=True)
    assert not left.suffices(0.0, queued=True)
    assert not left.suffices(-1.0, queued=False)


def test_who_has_queued_needs_the_usual_time() -> None:
    """Less, and it would be cut off in the middle."""
    left = TimeLeft()
    left.learn(0.1)
    assert not left.suffices(0.099, queued=True)
    assert left.suffices(0.101, queued=True)


def test_who_has_not_queued_is_always_tried() -> None:
    """So a service that was slow for a while learns that it is fast again."""
    left = TimeLeft()
    left.learn(10.0)
    assert not left.suffices(0.5, queued=True)
    for _ in range(200):
        assert left.suffices(0.5, queued=False)
        left.learn(0.1)
    assert left.suffices(0.5, queued=True)


def test_the_usual_time_follows_slowly() -> None:
    """One outlier does not decide: of twenty at 0.1 s and one at 1 s the mean stays near 0.1 s."""
    left = TimeLeft()
    for took_s in (*[0.1] * 20, 1.0):
        left.learn(took_s)
    assert left.suffices(0.2, queued=True)
