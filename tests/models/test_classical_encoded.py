"""Words go in, words come out, and the columns of probabilities have names."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost import XGBClassifier

from ser_helpers.models import LabelEncoded

WORDS = np.array(["sad", "angry", "calm"])
SMALL = XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(90, n_features=2, centers=3, random_state=0)
    return X, WORDS[y]


@parametrize_with_checks([LabelEncoded(LogisticRegression())])
def test_it_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


def test_xgboost_refuses_words_and_takes_them_encoded(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="Invalid classes"):
        SMALL.fit(X, y)
    model = LabelEncoded(SMALL).fit(X, y)
    assert model.classes_.tolist() == ["angry", "calm", "sad"]
    assert (model.classes_[model.predict_proba(X).argmax(axis=1)] == model.predict(X)).all()
    assert model.score(X, y) > 0.9


def test_a_fold_without_a_class_still_trains(blobs):
    X, y = blobs
    present = y != "calm"
    model = LabelEncoded(SMALL).fit(X[present], y[present])
    assert model.classes_.tolist() == ["angry", "sad"]
    assert model.predict_proba(X).shape == (90, 2)


def test_it_predicts_as_the_estimator_it_holds(blobs):
    X, y = blobs
    plain, wrapped = LogisticRegression().fit(X, y), LabelEncoded(LogisticRegression()).fit(X, y)
    assert (plain.predict(X) == wrapped.predict(X)).all()
    np.testing.assert_allclose(plain.predict_proba(X), wrapped.predict_proba(X))


def test_settings_of_the_estimator_can_be_searched():
    model = clone(LabelEncoded(SMALL)).set_params(estimator__max_depth=4)
    assert model.estimator.max_depth == 4
    assert SMALL.max_depth == 2


def test_probabilities_exist_only_where_the_estimator_has_them(blobs):
    assert not hasattr(LabelEncoded(LinearSVC()), "predict_proba")
    assert not hasattr(LabelEncoded(LinearSVC()).fit(*blobs), "predict_proba")
