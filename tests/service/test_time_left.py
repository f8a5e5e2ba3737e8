"""TimeLeft: what is begun can be finished, and nobody is locked out."""

from rulezero.service.time_left import TimeLeft


def test_while_nothing_is_known_any_time_is_enough() -> None:
    """And none is not."""
    left = TimeLeft()
    assert left.suffices(0.001)
    assert not left.suffices(0.0)
    assert not left.suffices(-1.0)


def test_who_has_queued_needs_the_usual_time() -> None:
    """Less, and it would be cut off in the middle."""
    left = TimeLeft()
    left.learn(0.1)
    assert not left.suffices(0.099)
    assert left.suffices(0.101)


def test_who_ran_out_of_time_raises_the_usual_time_and_never_lowers_it() -> None:
    """It took at least so long: early ends say nothing."""
    left = TimeLeft()
    for took_s in (0.1, *[0.01] * 50):
        left.learn_at_least(took_s)
    assert not left.suffices(0.0999)
    for _ in range(50):
        left.learn_at_least(0.5)
    assert not left.suffices(0.4)


def test_the_usual_time_follows_slowly() -> None:
    """One outlier does not decide: of twenty at 0.1 s and one at 1 s the mean stays near 0.1 s."""
    left = TimeLeft()
    for took_s in (*[0.1] * 20, 1.0):
        left.learn(took_s)
    assert left.suffices(0.2)
