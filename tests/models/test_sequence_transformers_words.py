"""Sentences as numbers: known words, unknown ones, and none at all."""

import numpy as np
import pandas as pd
import pytest

from ser_helpers.models import Vocabulary, split_words


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
