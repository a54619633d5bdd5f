"""The lexicon's scores by utterance."""

import numpy as np
import pandas as pd
import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from ser_helpers import corpora, features


def test_the_scores_are_vaders():
    text = ["I love it!", "This is the worst day.", "The door is open."]
    found = features.lexicon(pd.DataFrame({"text": text}, index=["a", "b", "c"]))
    expected = [SentimentIntensityAnalyzer().polarity_scores(words) for words in text]
    assert found["compound"].tolist() == [scores["compound"] for scores in expected]
    assert found["negative"].tolist() == [scores["neg"] for scores in expected]
    assert found.index.tolist() == ["a", "b", "c"]
    assert found.attrs["kind"] == "VADER"


def test_a_curly_apostrophe_negates_too():
    straight, curly = features.lexicon(pd.DataFrame({"text": ["It isn't good.", "It isn’t good."]})).compound
    assert straight == curly < 0


@pytest.mark.parametrize("nothing", [None, np.nan, "", "  "])
def test_no_words_no_scores(nothing):
    assert features.lexicon(pd.DataFrame({"text": [nothing, "yes"]})).isna().all(axis=1).tolist() == [True, False]


def test_an_utterance_table_keeps_its_names():
    table = corpora.load("synthetic-small")
    assert features.lexicon(table).index.equals(table.index)


def test_the_column_alone_will_do():
    text = pd.Series(["I love it!", None], index=["a", "b"])
    pd.testing.assert_frame_equal(features.lexicon(text), features.lexicon(text.to_frame("text")))


def test_a_table_without_words_gets_a_sentence():
    with pytest.raises(ValueError, match="no column 'text'"):
        features.lexicon(pd.DataFrame({"words": ["yes"]}))
