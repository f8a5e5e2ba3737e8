from hypothesis import given
from hypothesis import strategies as st

from rulezero.defences.resting import Resting


@given(stamps=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 3)), max_size=60))
def test_those_that_rest_are_bounded_and_rest_exactly_as_long_as_they_should(stamps: list[tuple[str, float]]) -> None:
    """The last five stamped, for 2 s each; nothing is kept of those that are through."""
    resting, now_s_, until_s = Resting(2.0, keys_max=5), 0.0, dict[str, float]()
    for key, pause_s in stamps:
        now_s_ += pause_s
        resting.stamp(key, now_s_)
        until_s.pop(key, None)
        until_s[key] = now_s_ + 2.0
        expected = {one for one in list(until_s)[-5:] if until_s[one] > now_s_}
        assert {one for one in "abcdefgh" if resting.rests(one, now_s_)} == expected
        assert set(resting._until_s) == expected
