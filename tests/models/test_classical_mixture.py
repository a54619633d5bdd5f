"""A mixture per class and Bayes' rule, against the formula and against scikit-learn's discriminant analysis."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import make_blobs
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from ser_helpers.models import GaussianMixtureClassifier


@parametrize_with_checks([GaussianMixtureClassifier()])
def test_it_keeps_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs([40, 80, 120], n_features=3, centers=[[0, 0, 0], [2, 0, 1], [0, 3, 0]], random_state=0)
    return X, np.array(["sad", "angry", "calm"])[y]


def test_bayes_rule_by_hand():
    X, y = np.array([[0.0], [2.0], [10.0], [12.0], [14.0], [16.0]]), ["low"] * 2 + ["rise"] * 4
    model = GaussianMixtureClassifier(n_components=1, reg_covar=1e-9).fit(X, y)
    joint = np.array([2 / 6 * norm.pdf(6, 1, 1), 4 / 6 * norm.pdf(6, 13, np.sqrt(5))])
    np.testing.assert_allclose(model.predict_proba([[6.0]])[0], joint / joint.sum(), rtol=1e-5)
    assert model.classes_.tolist() == ["low", "rise"]


@pytest.mark.parametrize(("shape", "twin"), [("diag", GaussianNB()), ("full", QuadraticDiscriminantAnalysis())])
def test_one_gaussian_per_class_is_a_known_classifier(blobs, shape, twin):
    X, y = blobs
    mine = GaussianMixtureClassifier(1, shape, reg_covar=1e-9).fit(X, y)
    twin.fit(X, y)
    assert (mine.predict(X) == twin.predict(X)).mean() > 0.99
    np.testing.assert_allclose(mine.predict_proba(X), twin.predict_proba(X), atol=0.03)


def test_probabilities_follow_classes_and_a_seed_fixes_them(blobs):
    X, y = blobs
    first, second = (GaussianMixtureClassifier(3, random_state=1).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    np.testing.assert_allclose(first.predict_proba(X).sum(axis=1), 1)
    assert (first.classes_[first.predict_proba(X).argmax(axis=1)] == first.predict(X)).all()
    assert first.score(X, y) > 0.85


def test_two_components_learn_a_class_with_two_places():
    X = np.random.default_rng(0).normal(size=(300, 1), scale=0.5) + np.repeat([-4, 0, 4], 100)[:, None]
    y = np.repeat(["angry", "calm", "angry"], 100)
    assert GaussianMixtureClassifier(2, random_state=0).fit(X, y).score(X, y) > 0.98


def test_far_from_all_classes_the_probabilities_are_still_numbers(blobs):
    probabilities = GaussianMixtureClassifier().fit(*blobs).predict_proba([[1e4, -1e4, 1e4]])
    assert np.isfinite(probabilities).all()


def test_a_class_with_too_few_rows_is_named(blobs):
    X, y = blobs
    few = np.r_[np.flatnonzero(y != "sad"), np.flatnonzero(y == "sad")[:3]]
    with pytest.raises(ValueError, match=r"Class sad has n_samples=3, and 4 component\(s\) need at least 4"):
        GaussianMixtureClassifier(4).fit(X[few], y[few])
