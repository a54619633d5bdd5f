"""Modalities in one table: by name, one at a time, and some of them missing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from ser_helpers.models import FrameScaler, Modality, PerModality, Vocabulary, by_modality, drop_modality, gaps, missing


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
def test_what_does_not_fit_gets_a_sentence(X, call, words):
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
