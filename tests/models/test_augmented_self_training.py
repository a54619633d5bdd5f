"""Pseudo-labels: only what the classifier is sure of, and nothing that it is judged by."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import SelfTrainingClassifier

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError
from ser_helpers.models import SelfTraining
from ser_helpers.pretrained import EncoderClassifier


def blobs(rows, name, seed):
    """Two noisy classes, and their labels."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    index = [f"{name}/{row}" for row in range(rows)]
    return pd.DataFrame(rng.normal(size=(rows, 3)) + 1.5 * y[:, None], index=index), np.array(["calm", "sad"])[y]


def test_it_agrees_with_scikit_learn_where_that_works():
    X, y = blobs(20, "labelled", 0)
    more, _ = blobs(200, "more", 1)
    test, _ = blobs(100, "test", 2)
    theirs = SelfTrainingClassifier(LogisticRegression(), threshold=0.9, max_iter=1)
    numbers = np.r_[(y == "sad").astype(int), np.full(len(more), -1)]
    theirs.fit(np.concatenate([X, more]), numbers)
    ours = clone(SelfTraining(LogisticRegression(), more, threshold=0.9)).fit(X, y)
    assert is_classifier(ours)
    assert len(ours.pseudo_labels_) == (theirs.labeled_iter_ == 1).sum()
    np.testing.assert_allclose(ours.predict_proba(test), theirs.predict_proba(test.to_numpy()), atol=1e-4)
    assert (ours.predict(test) == np.array(["calm", "sad"])[theirs.predict(test.to_numpy())]).all()


def test_only_sure_labels_are_believed():
    X, y = blobs(20, "labelled", 0)
    more, truth = blobs(200, "more", 1)
    found = SelfTraining(LogisticRegression(), more, threshold=0.95).fit(X, y).pseudo_labels_
    sure = LogisticRegression().fit(X, y).predict_proba(more).max(axis=1) >= 0.95
    assert found.index.tolist() == more.index[sure].tolist()
    assert 0 < len(found) < len(more)
    assert (found == truth[sure]).mean() > 0.9
    assert SelfTraining(LogisticRegression(), more, threshold=1.1).fit(X, y).pseudo_labels_.empty


def test_what_is_judged_is_not_learnt_from():
    X, y = blobs(20, "labelled", 0)
    more, _ = blobs(20, "more", 1)
    model = SelfTraining(LogisticRegression(), more).fit(X, y)
    with pytest.raises(EvaluationError, match="'more/3' is in the unlabelled speech and is to be predicted"):
        model.predict(more[3:5])
    with pytest.raises(EvaluationError, match="'more/0' is in the unlabelled speech and is in the training set too"):
        SelfTraining(LogisticRegression(), more).fit(pd.concat([X, more[:1]]), [*y, "sad"])
    speakers = pd.Series("anna", index=[*more.index, "test/0"])
    test, _ = blobs(1, "test", 2)
    with pytest.raises(EvaluationError, match="'anna' is in the unlabelled speech and speaks in what is to be pred"):
        SelfTraining(LogisticRegression(), more, speakers=speakers).fit(X, y).predict(test)
    with pytest.raises(EvaluationError, match="X and unlabelled are tables"):
        model.fit(X.to_numpy(), y)


def test_a_model_that_listens_teaches_itself():
    table = corpora.load("synthetic-small")[::6]
    first, second, third = (table[table["speaker"] == speaker] for speaker in table["speaker"].unique()[:3])
    listener = EncoderClassifier("nobody/no-such-hubert", epochs=2, validation=0, device="cpu")
    model = SelfTraining(listener, second, threshold=0.2).fit(first, first["emotion"])
    assert len(model.pseudo_labels_) > 0
    assert set(model.predict(third)) <= set(first["emotion"])
    with pytest.raises(EvaluationError, match="is in the unlabelled speech"):
        model.predict(table)
