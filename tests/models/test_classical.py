"""Gaussian mixtures as a classifier, and labels for classifiers that take only numbers."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from xgboost import XGBClassifier

from ser_helpers import corpora, features
from ser_helpers.errors import CorpusMissing
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import GaussianMixtureClassifier, LabelEncoded, SpeakerNormaliser


@pytest.mark.real
@pytest.mark.slow
def test_compare_and_a_linear_svm_reach_what_lesson_05_says():
    try:
        table = corpora.load("ravdess")
    except CorpusMissing as missing:
        pytest.skip(str(missing))
    X = features.extract(table, "compare", progress=False)
    steps = StandardScaler(), LinearSVC(C=1e-4)
    plain = cross_validate(make_pipeline(*steps), X, table, jobs=2, progress=False)
    own = cross_validate(make_pipeline(SpeakerNormaliser(table.speaker), *steps), X, table, jobs=2, progress=False)
    assert plain.uar >= 0.57
    assert own.uar >= 0.65
    assert plain.verdict == own.verdict == "No speaker crosses between training and test."


@parametrize_with_checks([GaussianMixtureClassifier()])
def test_it_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def clusters():
    X, y = make_blobs([40, 80, 120], n_features=3, centers=[[0, 0, 0], [2, 0, 1], [0, 3, 0]], random_state=0)
    return X, np.array(["sad", "angry", "calm"])[y]


def test_bayes_rule_by_hand():
    X, y = np.array([[0.0], [2.0], [10.0], [12.0], [14.0], [16.0]]), ["low"] * 2 + ["rise"] * 4
    model = GaussianMixtureClassifier(n_components=1, reg_covar=1e-9).fit(X, y)
    joint = np.array([2 / 6 * norm.pdf(6, 1, 1), 4 / 6 * norm.pdf(6, 13, np.sqrt(5))])
    np.testing.assert_allclose(model.predict_proba([[6.0]])[0], joint / joint.sum(), rtol=1e-5)
    assert model.classes_.tolist() == ["low", "rise"]


@pytest.mark.parametrize(("shape", "twin"), [("diag", GaussianNB()), ("full", QuadraticDiscriminantAnalysis())])
def test_one_gaussian_per_class_is_a_known_classifier(clusters, shape, twin):
    X, y = clusters
    mine = GaussianMixtureClassifier(1, shape, reg_covar=1e-9).fit(X, y)
    twin.fit(X, y)
    assert (mine.predict(X) == twin.predict(X)).mean() > 0.99
    np.testing.assert_allclose(mine.predict_proba(X), twin.predict_proba(X), atol=0.03)


def test_probabilities_follow_classes_and_a_seed_fixes_them(clusters):
    X, y = clusters
    first, second = (GaussianMixtureClassifier(3, random_state=1).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_allclose(first.predict_proba(X).sum(axis=1), 1)
    assert (first.classes_[first.predict_proba(X).argmax(axis=1)] == first.predict(X)).all()
    assert first.score(X, y) > 0.85


def test_two_components_learn_a_class_with_two_places():
    X = np.random.default_rng(0).normal(size=(300, 1), scale=0.5) + np.repeat([-4, 0, 4], 100)[:, None]
    y = np.repeat(["angry", "calm", "angry"], 100)
    assert GaussianMixtureClassifier(2, random_state=0).fit(X, y).score(X, y) > 0.98


def test_far_from_all_classes_the_probabilities_are_still_numbers(clusters):
    probabilities = GaussianMixtureClassifier().fit(*clusters).predict_proba([[1e4, -1e4, 1e4]])
    assert np.isfinite(probabilities).all()


def test_a_class_with_too_few_rows_is_named(clusters):
    X, y = clusters
    few = np.r_[np.flatnonzero(y != "sad"), np.flatnonzero(y == "sad")[:3]]
    with pytest.raises(ValueError, match=r"Class sad has n_samples=3, and 4 component\(s\) need at least 4"):
        GaussianMixtureClassifier(4).fit(X[few], y[few])


WORDS = np.array(["sad", "angry", "calm"])
SMALL = XGBClassifier(n_estimators=5, max_depth=2, n_jobs=1)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(90, n_features=2, centers=3, random_state=0)
    return X, WORDS[y]


@parametrize_with_checks([LabelEncoded(LogisticRegression())])
def test_encoded_labels_keep_the_contract_of_scikit_learn(estimator, check):
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
