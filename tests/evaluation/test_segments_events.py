import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import event_scores, merge_events

spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=8)


def events(*rows):
    return pd.DataFrame(rows, columns=["start", "end"], dtype=float)


def table(some):
    return events(*((start, start + length) for start, length in some))


def test_by_hand():
    truth = events((0, 2), (10, 14))
    found = events((0.5, 2), (10, 11), (20, 21))
    scores = event_scores(found, truth)
    assert scores == pytest.approx((1 / 3, 1 / 2, 0.4, 1))
    assert event_scores(found, truth, 0.25).hits == 2


def test_one_long_event_finds_one_short_one_at_most():
    truth = events((0, 1), (1.2, 2.2))
    assert event_scores(events((0, 2.2)), truth, 0.4).hits == 1
    assert event_scores(events((0, 2.2)), truth).hits == 0


def test_pairs_are_chosen_so_that_most_count():
    """Taken greedily, the first found event would take the only true one of the second."""
    truth, found = events((0, 4), (2, 6)), events((1, 5), (0, 2.5))
    assert event_scores(found, truth, 0.5).hits == 2


def test_nothing_to_find():
    assert event_scores(events(), events()).f1 == 1
    assert event_scores(events((0, 1)), events()) == (0, 0, 0, 0)
    assert event_scores(events(), events((0, 1))) == (0, 0, 0, 0)


@settings(deadline=None)
@given(spans, spans)
def test_f1_is_symmetric_and_perfect_for_the_truth(one, two):
    one, two = table(one), table(two)
    assert event_scores(one, one).f1 == 1
    scores, swapped = event_scores(one, two), event_scores(two, one)
    assert scores.f1 == pytest.approx(swapped.f1)
    if len(one) and len(two):
        assert scores.precision == swapped.recall


@settings(deadline=None)
@given(spans)
def test_merged_events_do_not_touch_and_cover_the_same_time(some):
    merged = merge_events(table(some))
    covered = {second for start, length in some for second in range(start, start + length)}
    again = {second for row in merged.itertuples() for second in range(int(row.start), int(row.end))}
    assert covered == again
    assert (merged["start"].to_numpy()[1:] > merged["end"].to_numpy()[:-1]).all()


def test_a_gap_is_bridged():
    assert len(merge_events(events((0, 1), (1.2, 2)), gap=0.3)) == 1
    assert len(merge_events(events((0, 1), (1.2, 2)), gap=0.1)) == 2


@pytest.mark.parametrize(
    ("found", "share", "message"),
    [
        (pd.DataFrame({"start": [0.0]}), 0.5, "needs a column 'end'"),
        (events((2, 1)), 0.5, "ends before it starts"),
        (events((float("nan"), 1)), 0.5, "lacks a time"),
        (events((0, 1)), 0, "overlap cannot be 0"),
    ],
)
def test_bad_tables_get_a_sentence(found, share, message):
    with pytest.raises(EvaluationError, match=message):
        event_scores(found, events((0, 1)), share)
