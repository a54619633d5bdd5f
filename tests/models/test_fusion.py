"""Features of several kinds in one table, and late fusion."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ser_helpers.models import (
    FrameScaler,
    LateFusion,
    Modality,
    PerModality,
    SpeakerFolds,
    Vocabulary,
    by_modality,
    drop_modality,
    fusion,
    gaps,
    missing,
)

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
    "X has audio, text": lambda X: LateFusion({"audio": LogisticRegression()}),
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
    with pytest.raises(ValueError, match="X has no modalities"):
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


@pytest.fixture
def X():
    sound = pd.DataFrame({"pitch": [1.0, 2.0, np.nan, 4.0], "level": [1.0, 2.0, np.nan, 4.0]}, index=list("abcd"))
    return pd.concat({"audio": sound, "text": pd.Series(["Hello.", "", "Oh?", None], sound.index)}, axis=1)


def test_parts_keep_the_index_and_lose_the_level(X):
    parts = by_modality(X)
    assert list(parts) == ["audio", "text"]
    assert list(parts["audio"].columns) == ["pitch", "level"]
    assert isinstance(parts["text"], pd.Series)
    assert all(part.index.equals(X.index) for part in parts.values())


def test_series_of_arrays_and_words_are_a_modality_each():
    frames = pd.Series([np.ones((2, 3)), None], index=["a", "b"])
    X = pd.concat({"audio": frames, "text": pd.Series(["Hello.", "Oh?"], frames.index)}, axis=1)
    assert list(by_modality(X)) == ["audio", "text"]
    assert missing(X).to_numpy().tolist() == [[False, False], [True, False]]
    assert missing(drop_modality(X, "audio"))["audio"].all()


def test_one_kind_of_features_has_no_modalities(X):
    assert by_modality(X["audio"]) == {}
    assert by_modality(X["text"]) == {}
    assert by_modality(X["audio"].assign(word="loud")) == {}
    assert by_modality(np.ones((2, 2))) == {}


def test_what_is_missing(X):
    assert missing(X)["audio"].tolist() == [False, False, True, False]
    assert missing(X)["text"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_dropping_takes_a_share_of_those_that_have_it(X, modality):
    have = (~missing(X)[modality]).sum()
    half, all_ = (missing(drop_modality(X, modality, share))[modality] for share in (0.5, 1))
    assert half.sum() == len(X) - have + round(have / 2)
    assert all_.all()
    other = ({"audio", "text"} - {modality}).pop()
    pd.testing.assert_frame_equal(drop_modality(X, modality)[[other]], X[[other]])


def test_dropping_more_drops_the_same_and_more():
    X = pd.concat({"audio": pd.DataFrame({"pitch": np.arange(40.0)}), "text": pd.Series(["yes"] * 40)}, axis=1)
    few, many = (missing(drop_modality(X, "audio", share, seed=3))["audio"] for share in (0.2, 0.6))
    assert many[few].all()
    assert not few.equals(missing(drop_modality(X, "audio", 0.2, seed=4))["audio"])


def test_dropping_leaves_the_table_itself_alone(X):
    before = X.copy()
    drop_modality(X, "text")
    pd.testing.assert_frame_equal(X, before)


def test_the_transformer_picks_one(X):
    assert Modality("text").fit_transform(X).tolist() == ["Hello.", "", "Oh?", ""]
    pd.testing.assert_frame_equal(clone(Modality("audio")).fit_transform(X), X["audio"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X: Modality("video").fit(X), "no modality 'video'; it has audio, text"),
        (lambda X: Modality("audio").fit(X["audio"]), "one kind of features only"),
        (lambda X: drop_modality(X, "video"), "no modality 'video'"),
        (lambda X: drop_modality(X, "audio", 1.5), "between 0 and 1"),
    ],
)
def test_tables_that_do_not_fit_get_a_sentence(X, call, words):
    with pytest.raises(ValueError, match=words):
        call(X)


def test_words_that_are_all_missing_are_gaps():
    assert gaps(pd.Series([None, pd.NA, np.nan], dtype=object))[0].all()
    assert gaps(pd.Series([None, pd.NA], dtype="string"))[0].all()


def test_gaps_of_arrays():
    empty, broken = gaps(pd.Series([np.ones((2, 2)), np.full((2, 2), np.nan), np.array([[1, np.nan]]), None]))
    assert empty.tolist() == [False, True, False, True]
    assert broken.tolist() == [False, True, True, True]


def sequences(n=3):
    frames = [np.full((2 + k, 3), float(k)) for k in range(n)]
    X = pd.DataFrame({"audio": pd.Series(frames), "text": pd.Series(["I know."] * n)})
    return X.set_axis([f"toy/{k}" for k in range(n)])


def test_each_modality_has_its_transformer_and_keeps_the_index():
    X = sequences()
    both = PerModality({"audio": FrameScaler(), "text": Vocabulary(min_count=1)}).fit_transform(X)
    assert both.index.equals(X.index)
    expected = FrameScaler().fit_transform(X["audio"])
    for name in X.index:
        np.testing.assert_array_equal(both["audio"][name], expected[name])
        assert both["text"][name].tolist() == [[2], [3]]


def test_a_missing_modality_becomes_zeros_and_is_not_learnt_from():
    X = sequences()
    model = PerModality({"audio": FrameScaler(), "text": Vocabulary(min_count=1)})
    half = X.copy()
    half.iloc[2, 0] = None
    half.iloc[0, 1] = " "
    both = model.fit_transform(half)
    np.testing.assert_array_equal(model.transformers_["audio"].mean_, FrameScaler().fit(X["audio"][:2]).mean_)
    np.testing.assert_array_equal(both["audio"].iloc[2], np.zeros((2, 3)))
    assert both["text"].iloc[0].tolist() == [[0], [0]]


def test_tables_become_vectors(X):
    both = PerModality({"audio": StandardScaler()}).fit_transform(X)
    np.testing.assert_allclose(np.stack(both["audio"])[:, 0], [-1.07, -0.27, 0, 1.34], atol=0.01)


def test_a_modality_that_nobody_has_cannot_be_fitted(X):
    with pytest.raises(ValueError, match="No utterance has any audio"):
        PerModality({"audio": StandardScaler()}).fit(drop_modality(X, "audio"))


def test_a_network_hears_and_reads():
    keras = pytest.importorskip("keras")
    from sklearn.pipeline import make_pipeline

    from ser_helpers.models import AttentionPooling, CrossModalAttention, KerasClassifier

    def network(input_shape, n_classes):
        inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
        words = keras.layers.Embedding(9, 4, mask_zero=True)(keras.layers.Reshape((-1,))(inputs["text"]))
        heard = CrossModalAttention(4)(words, keras.layers.Masking()(inputs["audio"]))
        model = keras.Model(inputs, keras.layers.Dense(n_classes, "softmax")(AttentionPooling(4)(heard)))
        model.compile("adam", "categorical_crossentropy")
        return model

    X, y = sequences(12), ["happy", "sad"] * 6
    first = PerModality({"audio": FrameScaler(), "text": Vocabulary(min_count=1)})
    model = make_pipeline(first, KerasClassifier(network, epochs=2)).fit(X, y)
    whole = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(X[k : k + 1]) for k in range(12)])
    np.testing.assert_allclose(whole, alone, atol=1e-5)
    deaf = model.predict_proba(drop_modality(X, "audio"))
    assert np.isfinite(deaf).all()
