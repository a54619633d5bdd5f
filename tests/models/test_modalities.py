"""Modalities in one table: by name, one at a time, and some of them missing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ser_helpers.models import Modality, by_modality, drop_modality, gaps, missing


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


def test_gaps_of_arrays():
    empty, broken = gaps(pd.Series([np.ones((2, 2)), np.full((2, 2), np.nan), np.array([[1, np.nan]]), None]))
    assert empty.tolist() == [False, True, False, True]
    assert broken.tolist() == [False, True, True, True]
