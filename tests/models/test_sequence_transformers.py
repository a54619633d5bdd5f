"""Sequences of frames are scaled and cut, sentences become numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from ser_helpers.models import FixedFrames, FrameScaler, Vocabulary, split_words


@pytest.fixture
def sequences():
    rng = np.random.default_rng(0)
    arrays = [(50 + 10 * rng.standard_normal((frames, 3))).astype("float32") for frames in (7, 30, 12)]
    return pd.Series(arrays, index=["a", "b", "c"], name="logmel", dtype=object)


def test_scaling_is_scikit_learns_over_all_frames(sequences):
    scaled = FrameScaler().fit(sequences[:2]).transform(sequences)
    reference = StandardScaler().fit(np.concatenate(sequences[:2].tolist()))
    for name, frames in sequences.items():
        np.testing.assert_allclose(scaled[name], reference.transform(frames), atol=1e-5)


def test_a_series_comes_back_as_a_series_even_when_all_are_equally_long(sequences):
    equal = sequences.map(lambda frames: frames[:7])
    scaled = FrameScaler().fit_transform(equal)
    assert scaled.index.tolist() == ["a", "b", "c"]
    assert scaled.name == "logmel"
    assert scaled["b"].shape == (7, 3)
    assert scaled["b"].dtype == np.float32
    assert isinstance(FrameScaler().fit_transform(equal.tolist()), list)


def test_a_dimension_that_never_changes_becomes_zero():
    constant = [np.full((4, 2), -100.0, dtype="float32"), np.full((3, 2), -100.0, dtype="float32")]
    assert not np.concatenate(FrameScaler().fit_transform(constant)).any()


def test_other_dimensions_than_in_training_are_refused(sequences):
    scaler = FrameScaler().fit(sequences)
    with pytest.raises(ValueError, match="have 2 dimensions, but the scaler was fitted on 3"):
        scaler.transform([np.zeros((5, 2))])


@pytest.mark.parametrize(
    "X",
    [
        [np.zeros(5)],
        [np.zeros((5, 2)), np.zeros((5, 3))],
        [np.zeros((0, 2))],
        [],
        [np.full((5, 2), np.nan)],
    ],
)
def test_what_is_no_sequence_of_frames_is_refused(X):
    with pytest.raises(ValueError, match=r"X needs one array|X contains NaN"):
        FrameScaler().fit(X)
    with pytest.raises(ValueError, match=r"X needs one array|X contains NaN"):
        FixedFrames(3).transform(X)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), frames=st.integers(1, 30))
def test_the_middle_stays_and_zeros_surround_it(lengths, frames):
    sequences = [np.arange(1.0, length + 1)[:, None] for length in lengths]
    fixed = FixedFrames(frames).transform(sequences)
    assert fixed.shape == (len(lengths), frames, 1)
    for row, length in zip(fixed[..., 0], lengths, strict=True):
        kept = row[row > 0]
        assert len(kept) == min(length, frames)
        np.testing.assert_array_equal(np.diff(kept), 1)
        before, after = kept[0] - 1, length - kept[-1]
        assert abs(before - after) <= 1
        edge = np.flatnonzero(row)
        assert abs(edge[0] - (frames - 1 - edge[-1])) <= 1


def test_step_averages_neighbouring_frames_and_the_rest():
    fixed = FixedFrames(3, step=2).transform([np.array([[1.0], [3.0], [5.0], [7.0], [11.0]])])
    np.testing.assert_array_equal(fixed[0, :, 0], [2, 6, 11])


def test_impossible_settings_are_refused(sequences):
    with pytest.raises(ValueError, match="at least 1, not 0 and 1"):
        FixedFrames(0).fit(sequences).transform(sequences)


def test_marks_are_words_and_apostrophes_belong_to_them():
    assert split_words("Don't — you DARE!?") == ["don't", "you", "dare", "!", "?"]
    assert split_words("don’t") == split_words("don't")
    assert split_words("") == []


def test_frequent_words_come_first_and_rare_ones_are_unknown():
    ids = Vocabulary(min_count=2).fit(["no no no yes yes", "perhaps"])
    assert ids.vocabulary_ == {"no": 2, "yes": 3}
    assert [row.ravel().tolist() for row in ids.transform(["yes perhaps no"])] == [[3, 1, 2]]
    assert ids.size == 4


def test_a_series_stays_one_with_arrays_for_the_network():
    X = pd.Series(["Yes.", None, " "], index=["a", "b", "c"], name="text")
    found = Vocabulary(1).fit_transform(X)
    assert found.index.tolist() == ["a", "b", "c"]
    assert [array.tolist() for array in found] == [[[2]], [[0]], [[0]]]
    assert all(array.dtype == np.float32 for array in found)


def test_the_vocabulary_is_that_of_the_training_sentences():
    ids = Vocabulary(1).fit(["good day"])
    before = dict(ids.vocabulary_)
    ids.transform(["bad night"])
    assert ids.vocabulary_ == before


@pytest.mark.parametrize("X", ["one sentence", [1.0, 2.0], [["a", "list"]], pd.DataFrame({"text": ["Yes."]})])
def test_what_lists_no_sentences_gets_a_sentence(X):
    with pytest.raises(ValueError, match="must list sentences"):
        Vocabulary().fit(X)
