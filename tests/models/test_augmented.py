import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_helpers import corpora
from ser_helpers.evaluation import cross_validate
from ser_helpers.models import Augmented


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted on."""

    def fit(self, X, y):
        self.X_, self.y_, self.classes_ = X, y, np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"), index=[f"u/{k}" for k in range(40)])
    return X, np.where(X["a"] > 0, "happy", "sad")


def test_fit_sees_the_copies_of_its_own_utterances_only(data):
    X, y = data
    copies = [X + 10, X.iloc[::-1] + 20]
    training = X.index[[3, 30, 7]]
    seen = Augmented(Recorder(), copies).fit(X.loc[training], y[[3, 30, 7]]).estimator_
    assert list(seen.X_.index) == [*training] * 3
    assert list(seen.y_) == [*y[[3, 30, 7]]] * 3
    for number, add in enumerate((0, 10, 20)):
        pd.testing.assert_frame_equal(seen.X_[3 * number : 3 * number + 3], X.loc[training] + add)


def test_sequences_are_joined_too(data):
    X, y = data
    X = pd.Series([np.full((3 + k, 2), k, "float32") for k in range(40)], index=X.index, name="logmel")
    seen = Augmented(Recorder(), [X.map(np.negative)]).fit(X[:4], y[:4]).estimator_.X_
    assert [frames.shape for frames in seen] == [(3, 2), (4, 2), (5, 2), (6, 2)] * 2
    np.testing.assert_array_equal(seen.iloc[7], -X.iloc[3])


def test_without_copies_it_is_the_estimator(data):
    X, y = data
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(
        Augmented(LogisticRegression(), []).fit(X, y).predict_proba(X), plain.predict_proba(X)
    )


def test_copies_of_unusable_recordings_are_left_out(data):
    X, y = data
    copy = X.copy()
    copy.iloc[0] = np.nan
    assert len(Augmented(Recorder(), [copy]).fit(X, y).estimator_.y_) == 79
    frames = pd.Series([np.ones((2, 2))] * 40, index=X.index)
    gap = frames.copy()
    gap.iloc[1] = None
    assert len(Augmented(Recorder(), [gap]).fit(frames, y).estimator_.y_) == 79


def test_it_is_the_kind_of_estimator_it_holds(data):
    X, y = data
    assert is_classifier(Augmented(SVC(), []))
    assert is_regressor(Augmented(Ridge(), []))
    assert not hasattr(Augmented(SVC(), []), "predict_proba")
    model = Augmented(make_pipeline(StandardScaler(), SVC()), [X]).fit(X, y)
    assert list(model.classes_) == ["happy", "sad"]
    assert model.decision_function(X).shape == (40,)
    assert Augmented(Ridge(), [X]).fit(X, X["a"]).predict(X).shape == (40,)


def test_it_can_be_cloned_and_set(data):
    X, y = data
    model = Augmented(LogisticRegression(), [X]).fit(X, y)
    copy = clone(model).set_params(estimator__C=0.5)
    assert not hasattr(copy, "estimator_")
    assert copy.estimator.C == 0.5
    assert model.estimator.C == 1
    pd.testing.assert_frame_equal(copy.copies[0], X)


def test_oversampling_inside_counts_the_copies(data):
    X, _ = data
    y = np.array(["happy"] * 30 + ["sad"] * 10)
    model = Augmented(make_sampling_pipeline(RandomOverSampler(random_state=0), Recorder()), [X]).fit(X, y)
    assert np.unique(model.estimator_[-1].y_, return_counts=True)[1].tolist() == [60, 60]


def test_what_does_not_fit_is_refused_in_a_sentence(data):
    X, y = data
    with pytest.raises(ValueError, match="X is a ndarray: put Augmented around the whole pipeline"):
        Augmented(SVC(), [X]).fit(X.to_numpy(), y)
    with pytest.raises(ValueError, match="around the whole pipeline"):
        make_pipeline(StandardScaler(), Augmented(SVC(), [X])).fit(X, y)
    with pytest.raises(ValueError, match=r"Copy 2 lacks 1 of 40 training utterances \('u/0' and so on\)"):
        Augmented(SVC(), [X, X[1:]]).fit(X, y)
    with pytest.raises(ValueError, match="columns of copy 1 are not those of X"):
        Augmented(SVC(), [X[["a"]]]).fit(X, y)
    with pytest.raises(ValueError, match="Copy 1 is a Series and X a DataFrame"):
        Augmented(SVC(), [X["a"]]).fit(X, y)
    with pytest.raises(ValueError, match="Copy 1 has 'u/0' more than once"):
        Augmented(SVC(), [pd.concat([X, X])]).fit(X, y)
    with pytest.raises(ValueError, match="y has 3 labels for 40 utterances"):
        Augmented(SVC(), [X]).fit(X, y[:3])
    with pytest.raises(ValueError, match="list of feature tables, not a DataFrame"):
        Augmented(SVC(), X).fit(X, y)


def test_no_copy_of_a_test_utterance_reaches_training():
    """Features of pure noise: only who has seen a copy of the test utterance can know its label."""
    table = corpora.load("synthetic-small")
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(len(table), 5)), index=table.index)
    neighbour = KNeighborsClassifier(1)
    options = {"n_splits": 4, "progress": False}
    assert cross_validate(Augmented(neighbour, [X + 1e-6]), X, table, **options).accuracy < 0.25
    everything = neighbour.fit(pd.concat([X, X + 1e-6]), [*table.emotion, *table.emotion])
    assert (everything.predict(X) == table.emotion).all()
    one, two = (cross_validate(Augmented(neighbour, [X + 1]), X, table, jobs=jobs, **options) for jobs in (1, 2))
    assert one.predictions.equals(two.predictions)
