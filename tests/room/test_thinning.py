from hypothesis import given
from hypothesis import strategies as st

from tui.room.thinning import thin

SAMPLES = st.lists(
    st.tuples(st.floats(0, 1000, allow_subnormal=False), st.floats(-1e6, 1e6)), max_size=300, unique_by=lambda sample: sample[0]
).map(sorted)


def test_few_samples_stay_as_they_are():
    samples = [(float(at), at * 2.0) for at in range(0, 100, 10)]
    assert thin(samples, 0, 95, 240) == tuple(samples)


def test_a_pause_is_a_gap_and_so_is_silence_at_the_end():
    samples = [(0.0, 1.0), (10.0, 1.0), (20.0, 1.0), (90.0, 1.0), (100.0, 1.0)]
    assert [value for _, value in thin(samples, 0, 200, 240)] == [1, 1, 1, None, 1, 1, None]


def test_many_samples_are_averaged():
    samples = [(float(at), float(at % 2)) for at in range(1000)]
    points = thin(samples, 0, 1000, 10)
    assert len(points) == 10
    assert all(value == 0.5 for _, value in points)


@given(SAMPLES, st.integers(1, 60))
def test_never_more_points_never_beyond_what_was_seen(samples, points):
    found = thin(samples, 100, 900, points)
    inside = [(at, value) for at, value in samples if 100 <= at <= 900]
    times = [at for at, _ in found]
    assert len(found) <= points
    assert times == sorted(times)
    assert all(100 <= at <= 900 for at in times)
    known = [value for _, value in found if value is not None]
    assert bool(known) is bool(inside)
    if known:
        low, high = min(value for _, value in inside), max(value for _, value in inside)
        slack = 1e-6 * max(1.0, abs(low), abs(high))
        assert low - slack <= min(known) and max(known) <= high + slack
