"""Diarisation error and events in time."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import diarisation_error, event_scores, merge_events


def turns(*rows):
    return pd.DataFrame(rows, columns=["start", "end", "speaker"])


TRUTH = turns((0, 4, "anna"), (5, 9, "ben"))


def parts(found):
    return found.missed, found.false_alarm, found.confusion, found.speech


def test_the_truth_itself_has_no_error_whatever_the_names():
    found = diarisation_error(TRUTH, turns((0, 4, 1), (5, 9, 0)))
    assert found.rate == 0
    assert found.mapping == {1: "anna", 0: "ben"}


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([], (8, 0, 0, 8)),
        ([(0, 4, "x")], (4, 0, 0, 8)),
        ([(0, 9, "x")], (0, 1, 4, 8)),
        ([(0, 4, "x"), (4, 5, "x"), (5, 9, "y")], (0, 1, 0, 8)),
        ([(0, 3, "x"), (3, 9, "y")], (0, 1, 1, 8)),
        ([(0, 4, "x"), (0, 4, "z"), (5, 9, "y")], (0, 4, 0, 8)),
        ([(20, 30, "x")], (8, 10, 0, 8)),
    ],
)
def test_missed_false_alarm_and_confusion_by_hand(heard, expected):
    found = diarisation_error(TRUTH, turns(*heard))
    assert parts(found) == expected
    assert found.rate == sum(expected[:3]) / 8


def test_the_matching_is_the_best_for_all_and_not_for_the_first():
    truth = turns((0, 6, "a"), (6, 10, "b"), (10, 15, "a"))
    heard = turns((0, 6, 1), (6, 10, 1), (10, 15, 2))
    found = diarisation_error(truth, heard)
    assert (found.mapping, found.confusion) == ({1: "b", 2: "a"}, 6)


def test_two_at_once_count_twice_or_not_at_all():
    truth = turns((0, 4, "anna"), (2, 6, "ben"))
    heard = turns((0, 4, 1), (4, 6, 2))
    assert parts(diarisation_error(truth, heard)) == (2, 0, 0, 8)
    assert parts(diarisation_error(truth, heard, overlap=False)) == (0, 0, 0, 4)


def test_a_collar_forgives_on_both_sides_of_each_edge():
    late = turns((0.25, 4.25, 1), (5.25, 9.25, 2))
    assert diarisation_error(TRUTH, late).missed == 0.5
    found = diarisation_error(TRUTH, late, collar=0.25)
    assert parts(found) == (0, 0, 0, 7)


def test_without_speech_there_is_no_rate():
    found = diarisation_error(turns(), turns((0, 1, "x")).iloc[:0])
    assert np.isnan(found.rate)
    assert found.speech == 0


def test_wrong_tables_are_named():
    with pytest.raises(EvaluationError, match="prediction has no speaker"):
        diarisation_error(TRUTH, TRUTH.drop(columns="speaker"))
    with pytest.raises(EvaluationError, match="turn of the truth ends before it starts"):
        diarisation_error(turns((2, 1, "x")), TRUTH)
    with pytest.raises(EvaluationError, match="lacks a time"):
        diarisation_error(turns((np.nan, 1, "x")), TRUTH)
    with pytest.raises(EvaluationError, match="collar is -1"):
        diarisation_error(TRUTH, TRUTH, collar=-1)


@st.composite
def tables(draw):
    """Turns of up to three speakers, none of whom overlaps with themselves."""
    rows = []
    for speaker in draw(st.sampled_from(["a", "ab", "abc"])):
        now = 0
        for gap, length in draw(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), max_size=4)):
            rows.append(((now + gap) / 10, (now + gap + length) / 10, speaker))
            now += gap + length
    return turns(*rows)


@settings(max_examples=30, deadline=None)
@given(tables(), tables(), st.sampled_from([0, 0.25]), st.booleans())
def test_pyannote_gives_the_same(truth, heard, collar, overlap):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        core = pytest.importorskip("pyannote.core")
        from pyannote.metrics.diarization import DiarizationErrorRate

        reference = DiarizationErrorRate(collar=2 * collar, skip_overlap=not overlap)
        said = [core.Annotation(), core.Annotation()]
        for annotation, table in zip(said, (truth, heard), strict=True):
            for row in table.itertuples():
                annotation[core.Segment(row.start, row.end), row.Index] = row.speaker
        expected = reference(*said, uem=core.Timeline([core.Segment(-5, 60)]), detailed=True)
    found = parts(diarisation_error(truth, heard, collar, overlap))
    names = ("missed detection", "false alarm", "confusion", "total")
    assert found == pytest.approx([expected[name] for name in names], abs=1e-6)


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
