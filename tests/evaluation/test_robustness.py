"""Scores without a modality: nothing changes while all is there, and the other branch remains when it is gone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import cross_validate, without_modality
from ser_helpers.models import LateFusion


@pytest.fixture
def both():
    table = corpora.load("synthetic-small")
    return pd.concat({"voice": table[["arousal"]], "words": table[["valence"]]}, axis=1), table


def late():
    return LateFusion({"voice": LogisticRegression(), "words": LogisticRegression()})


def test_the_ends_are_the_whole_model_and_the_other_branch(both):
    X, table = both
    found = without_modality({"late": late()}, X, table, "words", (0, 1), "speaker", n_splits=4, progress=False)
    whole = cross_validate(late(), X, table, n_splits=4, progress=False)
    voice = cross_validate(LogisticRegression(), X["voice"], table, n_splits=4, progress=False)
    assert found.late[0] == pytest.approx(whole.uar)
    assert found.late[1] == pytest.approx(voice.uar)
    assert found.index.name == "share without words"


def test_all_models_miss_the_same_utterances(both):
    X, table = both
    twins = {"one": late(), "other": late()}
    found = without_modality(twins, X, table, "voice", (0.3, 0.6), "speaker", n_splits=2, progress=False)
    np.testing.assert_array_equal(found.one, found.other)


def test_an_unknown_modality_gets_a_sentence(both):
    with pytest.raises(EvaluationError, match="no modality 'video'; it has voice, words"):
        without_modality({"late": late()}, *both, "video")
    with pytest.raises(EvaluationError, match="it has one"):
        without_modality({"late": late()}, both[0]["voice"], both[1], "video")
