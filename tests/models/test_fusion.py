"""Late fusion: what joins the branches is learnt from unheard speakers, and a missing branch is no reason to fail."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from ser_helpers.models import LateFusion, SpeakerFolds, fusion

LABELS = ["angry", "happy", "neutral", "sad"]
RANDOM = np.random.default_rng


def toy(n=240, seed=0, noise=0.8):
    """Voices that tell arousal and words that tell valence: only both together tell the emotion."""
    random = RANDOM(seed)
    y = random.choice(LABELS, n)
    arousal = np.isin(y, ["angry", "happy"]) + noise * random.normal(size=n)
    valence = np.isin(y, ["happy", "neutral"]) + noise * random.normal(size=n)
    index = [f"toy/{k:03}" for k in range(n)]
    sound, words = pd.DataFrame({"level": arousal}, index), pd.DataFrame({"compound": valence}, index)
    return pd.concat({"audio": sound, "text": words}, axis=1), y


@pytest.fixture
def folds():
    index = toy()[0].index
    table = pd.DataFrame({"speaker": [f"toy-{k % 8}" for k in range(len(index))]}, index)
    return SpeakerFolds(table, 4)


def pair():
    return {"audio": LogisticRegression(), "text": LogisticRegression()}


class Sure(ClassifierMixin, BaseEstimator):
    """Always says the same label, nearly for sure."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile([0.97, *[0.03 / (len(self.classes_) - 1)] * (len(self.classes_) - 1)], (len(X), 1))


def test_equal_weights_are_the_mean_of_the_branches():
    X, y = toy()
    model = LateFusion(pair()).fit(X, y)
    alone = [LogisticRegression().fit(X[name], y).predict_proba(X[name]) for name in ("audio", "text")]
    np.testing.assert_allclose(model.predict_proba(X), np.mean(alone, axis=0))
    assert model.classes_.tolist() == LABELS
    assert model.predict(X).tolist() == model.classes_[model.predict_proba(X).argmax(axis=1)].tolist()


def test_the_equal_product_is_naive_bayes():
    """The toy's features are independent given the emotion, so the product of two Bayes classifiers is that of both."""
    X, y = toy()
    model = LateFusion({"audio": GaussianNB(), "text": GaussianNB()}, rule="product").fit(X, y)
    whole = GaussianNB().fit(X.to_numpy(), y)
    np.testing.assert_allclose(model.predict_proba(X), whole.predict_proba(X.to_numpy()), atol=1e-4)


def test_given_weights_are_scaled_to_one():
    X, y = toy()
    model = LateFusion(pair(), weights={"audio": 3, "text": 1}).fit(X, y)
    assert model.weights_ == {"audio": 0.75, "text": 0.25}
    audio_alone = LateFusion(pair(), weights={"audio": 1, "text": 0}).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(
        audio_alone, LogisticRegression().fit(X["audio"], y).predict_proba(X["audio"]), atol=1e-5
    )


@pytest.mark.parametrize("rule", ["mean", "product"])
@pytest.mark.parametrize("weights", ["equal", "learned", "stacked"])
def test_it_is_better_than_both_branches_where_both_are_needed(weights, rule, folds):
    X, y = toy(noise=0.3)
    new, truth = toy(2000, seed=1, noise=0.3)
    fused = LateFusion(pair(), weights, rule, cv=folds).fit(X, y).score(new, truth)
    alone = [LogisticRegression().fit(X[name], y).score(new[name], truth) for name in ("audio", "text")]
    assert fused > max(alone) + 0.1


def test_a_branch_that_knows_nothing_loses_its_weight(folds):
    X, y = toy()
    X["text"] = RANDOM(1).normal(size=(len(X), 1))
    model = LateFusion(pair(), "learned", cv=folds).fit(X, y)
    assert model.weights_["audio"] > 0.9
    assert sum(model.weights_.values()) == pytest.approx(1)


def test_calibration_quiets_a_branch_that_is_too_sure(folds):
    X, y = toy()
    loud = LateFusion({"audio": LogisticRegression(), "text": Sure()}, calibrate=True, cv=folds).fit(X, y)
    assert loud.temperatures_["text"] > 3
    assert 0.5 < loud.temperatures_["audio"] < 2
    plain = LateFusion({"audio": LogisticRegression(), "text": Sure()}).fit(X, y)
    truth = np.searchsorted(plain.classes_, y)
    assert fusion.cross_entropy(loud.predict_proba(X), truth) < fusion.cross_entropy(plain.predict_proba(X), truth)


def test_nothing_is_learnt_from_utterances_a_branch_was_trained_on():
    class Memory(LogisticRegression):
        """Knows by heart what it was trained on, and only that."""

        def fit(self, X, y):
            self.classes_, self.heart = np.unique(y), dict(zip(X.index, y, strict=True))
            return self

        def predict_proba(self, X):
            guess = np.full(len(self.classes_), 1 / len(self.classes_))
            return np.array(
                [(self.classes_ == self.heart[name]) * 1.0 if name in self.heart else guess for name in X.index]
            )

    X, y = toy()
    groups = np.arange(len(X)) % 8

    class Folds:
        def split(self, X, y=None):
            return GroupKFold(4).split(X, groups=groups)

    model = LateFusion({"audio": Memory(), "text": LogisticRegression()}, "learned", cv=Folds()).fit(X, y)
    assert model.weights_["text"] > 0.9


@pytest.mark.parametrize("rule", ["mean", "product"])
@pytest.mark.parametrize("weights", ["equal", "learned", "stacked", {"audio": 1, "text": 0}])
def test_a_missing_modality_leaves_the_decision_to_the_other(weights, rule, folds):
    X, y = toy()
    model = LateFusion(pair(), weights, rule, cv=folds).fit(X, y)
    gone = X.copy()
    gone.loc[X.index[:100], "audio"] = np.nan
    gone.loc[X.index[100:], "text"] = np.nan
    gone.loc[X.index[0]] = np.nan
    found = model.predict_proba(gone)
    np.testing.assert_allclose(found[1:100], model.branches_["text"].predict_proba(X["text"][1:100]))
    np.testing.assert_allclose(found[100:], model.branches_["audio"].predict_proba(X["audio"][100:]))
    np.testing.assert_allclose(found[0], model.prior_)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_branch_learns_from_the_utterances_that_have_its_modality(folds):
    X, y = toy()
    X.loc[X.index[::2], "text"] = np.nan
    y[::2] = np.where(y[::2] == "sad", "bored", y[::2])
    model = LateFusion(pair(), "learned", cv=folds).fit(X, y)
    assert model.classes_.tolist() == ["angry", "bored", "happy", "neutral", "sad"]
    assert model.branches_["text"].classes_.tolist() == LABELS
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


def test_it_clones_and_its_branches_have_settings(folds):
    X, y = toy()
    model = LateFusion(pair(), "learned", calibrate=True, cv=folds)
    again = clone(model).set_params(audio__C=0.01)
    assert again.get_params()["audio__C"] == 0.01
    assert model.get_params()["audio__C"] == 1.0
    assert not hasattr(again.branches["audio"], "classes_")
    np.testing.assert_array_equal(model.fit(X, y).predict_proba(X), clone(model).fit(X, y).predict_proba(X))


BAD = {
    "modalities of X audio, text": lambda X: LateFusion({"audio": LogisticRegression()}),
    "no probabilities": lambda X: LateFusion({**pair(), "text": LinearSVC()}),
    "not all 0": lambda X: LateFusion(pair(), {"audio": 0, "text": 0}),
    "number of 0 or more to each of audio, text": lambda X: LateFusion(pair(), {"audio": 1}),
    "'equal', 'learned', 'stacked' or a dict, not 'best'": lambda X: LateFusion(pair(), "best"),
    "'mean' or 'product', not 'sum'": lambda X: LateFusion(pair(), rule="sum"),
    r"cv=models.SpeakerFolds\(table\)": lambda X: LateFusion(pair(), "learned"),
}


def test_a_branch_can_be_set_whole():
    given = pair()
    model = LateFusion(given).set_params(audio=GaussianNB(), text__C=3)
    assert isinstance(model.branches["audio"], GaussianNB)
    assert model.get_params()["text__C"] == 3
    assert isinstance(given["audio"], LogisticRegression)


def test_labels_and_the_fit_are_asked_for():
    X, y = toy(24)
    with pytest.raises(NotFittedError):
        LateFusion(pair()).predict(X)
    for labels in (y[:3], np.where(y == "sad", None, y)):
        with pytest.raises(ValueError, match="one label for each of the 24 utterances"):
            LateFusion(pair()).fit(X, labels)


@pytest.mark.parametrize("words", BAD)
def test_what_does_not_fit_gets_a_sentence(words):
    X, y = toy()
    with pytest.raises(ValueError, match=words):
        BAD[words](X).fit(X, y)


def test_a_modality_nobody_has_gets_a_sentence():
    X, y = toy()
    X["text"] = np.nan
    with pytest.raises(ValueError, match="have any text"):
        LateFusion(pair()).fit(X, y)


@pytest.mark.parametrize("weights", ["learned", "stacked"])
def test_nothing_joins_branches_that_never_meet(weights, folds):
    X, y = toy()
    half = np.random.default_rng(1).random(len(X)) < 0.5
    X.loc[half, "audio"], X.loc[~half, "text"] = np.nan, np.nan
    with pytest.raises(ValueError, match=f"weights='{weights}' cannot learn: use 'equal'"):
        LateFusion(pair(), weights=weights, cv=folds).fit(X, y)
    assert LateFusion(pair()).fit(X, y).score(X, y) > 0.3


def test_one_table_of_features_is_no_pair():
    X, y = toy()
    with pytest.raises(ValueError, match="modalities of X none"):
        LateFusion(pair()).fit(X["audio"], y)


def test_a_temperature_of_one_changes_nothing_and_a_high_one_makes_all_equal():
    found = RANDOM(0).dirichlet([1, 1, 1], 20)
    np.testing.assert_array_equal(fusion.tempered(found, 1), found)
    np.testing.assert_allclose(fusion.tempered(found, 1e6), 1 / 3, atol=1e-4)
    np.testing.assert_array_equal(fusion.tempered(found, 2.5).argmax(axis=1), found.argmax(axis=1))


@pytest.mark.parametrize("sharpness", [0.5, 1, 3])
def test_the_temperature_undoes_what_was_sharpened(sharpness):
    random = RANDOM(0)
    honest = random.dirichlet([1, 1, 1], 5000)
    truth = np.array([random.choice(3, p=row) for row in honest])
    assert fusion.temperature(fusion.tempered(honest, 1 / sharpness), truth) == pytest.approx(sharpness, rel=0.1)


@pytest.mark.slow
def test_fusion_beats_both_branches_on_the_embedded_conversations_because_they_err_on_different_turns():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from ser_helpers import corpora, features
    from ser_helpers.evaluation import compare, cross_validate

    table = corpora.harmonise(corpora.load("synthetic-iemocap"), "iemocap4")
    egemaps = features.extract(table, "egemaps", progress=False)
    voice = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=1000, class_weight="balanced"))
    words = make_pipeline(TfidfVectorizer(), LogisticRegression(C=3, max_iter=1000, class_weight="balanced"))
    X = pd.concat({"audio": egemaps, "text": table["text"]}, axis=1)
    late = LateFusion({"audio": voice, "text": words}, rule="product")
    models = {"voice": (voice, egemaps), "words": (words, table["text"]), "late": (late, X)}
    results = {
        name: cross_validate(model, part, table, "session", name=name, progress=False)
        for name, (model, part) in models.items()
    }
    for branch in ("voice", "words"):
        assert compare(results["late"], results[branch]).interval[0] > 0.03
    right = pd.DataFrame({name: r.predictions.predicted == r.predictions.truth for name, r in results.items()})
    differ = results["voice"].predictions.predicted != results["words"].predictions.predicted
    assert right.late[differ].mean() > right[["voice", "words"]][differ].mean().max() + 0.05
