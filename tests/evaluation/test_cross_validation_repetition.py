import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import cross_validate, repeat
from ser_helpers.evaluation.cross_validation import interval

QUIET = {"progress": False, "n_splits": 3}


class SeedTeller(ClassifierMixin, BaseEstimator):
    """Guesses at random, from its seed alone, and notes each seed it was given."""

    seen = ()

    def __init__(self, seed=0, random_state=3):
        self.seed = seed
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append((self.seed, self.random_state))
        return self

    def predict(self, X):
        return np.random.default_rng(self.seed).choice(self.classes_, len(X))


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setattr(SeedTeller, "seen", [])
    return SeedTeller.seen


@pytest.fixture(scope="module")
def unbalanced(toy):
    """Two emotions that overlap, one of them rare."""
    X, table = toy(speakers=6, per_speaker=40, labels=("neutral", "sad"), noise=2.5)
    table = corpora.subsample(table, {"sad": 0.15})
    return X, table


def test_each_row_is_a_cross_validation_with_that_seed(toy):
    X, table = toy(noise=2)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=9))
    frame = repeat(model, X, table, seeds=[4, 2], **QUIET)
    assert list(frame.index) == [4, 2]
    assert frame.index.name == "seed"
    for seed in (4, 2):
        fixed = make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=seed))
        result = cross_validate(fixed, X, table, seed=seed, **QUIET)
        assert frame.loc[seed].to_dict() == {
            "uar": result.uar,
            "accuracy": result.accuracy,
            "weighted_f1": result.weighted_f1,
        }
    assert model[-1].random_state == 9
    assert frame.attrs == {"corpus": "toy", "protocol": "3 folds, no speaker in both", "chance": 0.25}


def test_every_seed_of_the_model_changes(toy, seen):
    model = make_pipeline(StandardScaler(), SeedTeller())
    frame = repeat(model, *toy(), seeds=range(3), **QUIET)
    assert seen == [(0, 0)] * 3 + [(1, 1)] * 3 + [(2, 2)] * 3
    assert frame["uar"].nunique() == 3


def test_numbers_are_scored_as_numbers(toy):
    frame = repeat(LinearRegression(), *toy(), seeds=[0], target="arousal", **QUIET)
    assert list(frame.columns) == ["ccc", "mse", "mae"]


def test_what_does_not_fit_is_refused_in_a_sentence(toy):
    X, table = toy()
    with pytest.raises(EvaluationError, match="at least one"):
        repeat(SVC(), X, table, seeds=[])
    with pytest.raises(EvaluationError, match=r"several numbers, not 3: range\(5\)"):
        repeat(SVC(), X, table, seeds=3)
    with pytest.raises(EvaluationError, match="different numbers"):
        repeat(SVC(), X, table, seeds=[1, 1])
    with pytest.raises(EvaluationError, match="with its parentheses"):
        repeat(SVC, X, table)


def test_the_interval_is_students(toy):
    values = np.random.default_rng(0).normal(size=7)
    mean, low, high = interval(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose((mean, low, high), (values.mean(), expected.low, expected.high))
    assert np.isnan(interval([0.5])[1:]).all()


def test_oversampling_in_a_pipeline_balances_the_training_set_only(unbalanced):
    X, table = unbalanced
    fitted_on = []

    class Counter(LogisticRegression):
        def fit(self, X, y):
            fitted_on.append(pd.Series(y).value_counts())
            return super().fit(X, y)

    model = make_sampling_pipeline(StandardScaler(), RandomOverSampler(), Counter())
    result = cross_validate(model, X, table, **QUIET)
    assert all(counts.min() == counts.max() for counts in fitted_on)
    assert sorted(result.predictions.index) == sorted(table.index)
    assert result.name == "Counter"
    assert result.predictions[["p_neutral", "p_sad"]].sum(axis=1).to_numpy() == pytest.approx(1)


def test_oversampling_lifts_the_recall_of_the_rare_and_lowers_accuracy(unbalanced):
    X, table = unbalanced
    plain = repeat(LogisticRegression(), X, table, seeds=range(3), **QUIET)
    sampled = make_sampling_pipeline(RandomOverSampler(), LogisticRegression())
    balanced = repeat(sampled, X, table, seeds=range(3), **QUIET)
    assert (balanced["uar"] > plain["uar"]).all()
    assert (balanced["accuracy"] < plain["accuracy"]).all()
    assert balanced.equals(repeat(sampled, X, table, seeds=range(3), **QUIET))
