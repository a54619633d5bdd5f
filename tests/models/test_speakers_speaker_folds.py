"""Folds of whole speakers, by the names of the rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score

from ser_helpers import corpora
from ser_helpers.errors import CorpusError, EvaluationError
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import SpeakerFolds

TABLE = corpora.load("synthetic-small")
X = TABLE[["valence", "arousal"]]


def test_no_speaker_is_on_both_sides_and_every_row_is_tested_once():
    shuffled = X.sample(frac=0.8, random_state=0)
    folds = list(SpeakerFolds(TABLE, n_splits=4).split(shuffled))
    speakers = TABLE.speaker[shuffled.index].to_numpy()
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(shuffled)))
    for train, test in folds:
        assert not set(speakers[train]) & set(speakers[test])
        assert sorted([*train, *test]) == list(range(len(shuffled)))


def test_it_gives_the_folds_of_corpora_split():
    positions = SpeakerFolds(TABLE, n_splits=2, seed=3).split(X)
    for (train, test), (train_names, test_names) in zip(
        positions, corpora.split(TABLE, n_splits=2, seed=3), strict=True
    ):
        assert X.index[train].equals(train_names)
        assert X.index[test].equals(test_names)


def test_sequences_are_split_by_their_index():
    series = pd.Series([np.zeros((2, 3))] * len(X), X.index)
    assert len(list(SpeakerFolds(TABLE, n_splits=2).split(series))) == 2


def test_a_nested_search_runs_inside_cross_validate():
    search = GridSearchCV(
        LogisticRegression(), {"C": [1e-6, 1]}, cv=SpeakerFolds(TABLE, n_splits=3), scoring="recall_macro"
    )
    result = cross_validate(search, X, TABLE, n_splits=4, progress=False)
    unsearched = cross_validate(LogisticRegression(C=1e-6), X, TABLE, n_splits=4, progress=False)
    assert result.uar > unsearched.uar + 0.05
    assert clone(search).cv.get_n_splits() == 3
    assert len(cross_val_score(LogisticRegression(), X, TABLE.emotion, cv=SpeakerFolds(TABLE, n_splits=2))) == 2


@pytest.mark.parametrize(
    ("rows", "n_splits", "error", "words"),
    [
        (X.to_numpy(), 2, EvaluationError, "ndarray without utterance names"),
        (X.rename({X.index[3]: "stranger"}), 2, EvaluationError, "knows no 'stranger'"),
        (X, 5, CorpusError, "needs 5 speakers or more"),
    ],
)
def test_rows_it_cannot_split_are_refused(rows, n_splits, error, words):
    with pytest.raises(error, match=words):
        list(SpeakerFolds(TABLE, n_splits=n_splits).split(rows))


def test_its_name_is_one_line():
    assert repr(SpeakerFolds(TABLE)) == "SpeakerFolds(4 speakers, n_splits=3, seed=0)"
