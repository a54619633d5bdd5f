"""A Keras network must behave like a scikit-learn classifier."""

import functools
import pickle
import subprocess
import sys
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.metrics import recall_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from ser_helpers.models import KerasClassifier, keras_estimators

LABELS = np.array(["sad", "angry", "calm"])


def build(input_shape, n_classes):
    import keras

    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Dense(16, "relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(n_classes, "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(150, n_features=5, centers=3, random_state=0)
    return X, LABELS[y]


@pytest.fixture(scope="module")
def fitted(blobs):
    return KerasClassifier(build, epochs=20, batch_size=16).fit(*blobs, validation_data=blobs)


def test_it_learns_and_its_probabilities_follow_classes(fitted, blobs):
    X, y = blobs
    probabilities = fitted.predict_proba(X)
    assert fitted.classes_.tolist() == ["angry", "calm", "sad"]
    assert fitted.score(X, y) > 0.95
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(X)).all()


def test_history_has_one_row_per_epoch(fitted):
    assert fitted.history_.index.tolist() == list(range(1, 21))
    assert {"loss", "accuracy", "uar", "val_loss", "val_accuracy", "val_uar"} == set(fitted.history_)
    assert fitted.history_.loss.iloc[-1] < fitted.history_.loss.iloc[0]


def test_same_seed_same_network_and_another_seed_another(blobs):
    first, second = (KerasClassifier(build, epochs=2, seed=3).fit(*blobs).predict_proba(blobs[0]) for _ in range(2))
    other = KerasClassifier(build, epochs=2, seed=4).fit(*blobs).predict_proba(blobs[0])
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


def test_a_clone_keeps_every_parameter_and_works_in_a_pipeline(blobs):
    model = KerasClassifier(build, epochs=5, batch_size=8, seed=7)
    assert clone(model).get_params() == model.get_params()
    scores = cross_val_score(make_pipeline(StandardScaler(), model), *blobs, cv=3)
    assert scores.mean() > 0.8


def test_a_fitted_network_survives_pickling(fitted, blobs):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(copy.predict_proba(blobs[0]), fitted.predict_proba(blobs[0]), atol=1e-6)


def test_validation_data_never_steer_the_fit(blobs):
    X, y = blobs
    alone = KerasClassifier(build, epochs=3).fit(X, y)
    watched = KerasClassifier(build, epochs=3).fit(X, y, validation_data=(X[:20], y[:20]))
    np.testing.assert_allclose(alone.predict_proba(X), watched.predict_proba(X), atol=1e-6)


def test_the_progress_bar_counts_epochs_and_shows_the_loss(blobs, capsys, monkeypatch):
    monkeypatch.setattr(keras_estimators, "tqdm", functools.partial(tqdm, mininterval=0, miniters=1))
    KerasClassifier(build, epochs=3, progress=True).fit(*blobs)
    shown = capsys.readouterr().err
    assert "/3" in shown
    assert "loss=" in shown
    assert "uar=" in shown


def test_the_watched_uar_is_that_of_the_predictions(fitted, blobs):
    X, y = blobs
    assert fitted.history_.val_uar.iloc[-1] == pytest.approx(recall_score(y, fitted.predict(X), average="macro"))


def test_overhead_is_a_share(fitted):
    assert 0 < fitted.overhead_ < 1


def test_a_heavier_class_is_found_more_often(blobs):
    X, y = blobs
    rng = np.random.default_rng(0)
    X = X + rng.normal(scale=6, size=X.shape)
    few = np.flatnonzero((y != "sad") | (np.arange(len(y)) % 5 == 0))
    plain, balanced, heavy = (
        KerasClassifier(build, epochs=10, class_weight=weight).fit(X[few], y[few]).predict(X)
        for weight in (None, "balanced", {"angry": 1, "calm": 1, "sad": 100})
    )
    assert (plain == "sad").sum() < (balanced == "sad").sum() < (heavy == "sad").sum()
    with pytest.raises(ValueError, match="each of angry, calm, sad"):
        KerasClassifier(build, class_weight={"sad": 2}).fit(X, y)


def attentive(input_shape, n_classes):
    import keras

    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Masking(0.0),
            keras.layers.GRU(4),
            keras.layers.Dense(n_classes, "softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy")
    return model


def test_sequences_of_all_lengths_are_padded_and_padding_changes_nothing():
    rng = np.random.default_rng(0)
    X = pd.Series([rng.normal(size=(length, 3)) for length in (4, 9, 6, 5)], list("abcd"))
    model = KerasClassifier(attentive, epochs=2).fit(X, ["calm", "angry"] * 2)
    assert model.input_shape_ == (None, 3)
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(X[[name]]) for name in X.index])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_array_equal(together, model.predict_proba(list(X)))
    with pytest.raises(ValueError, match="same dims"):
        model.predict(pd.Series([np.zeros((4, 3)), np.zeros((4, 2))]))


def test_it_predicts_only_after_a_fit(blobs):
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(KerasClassifier(build), method)(blobs[0])


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([], "one row of features"),
        (np.zeros((0, 5)), "one row of features"),
        (np.zeros(5), "one row of features"),
        (np.zeros((2, 4)), r"shape \(4,\), but the network was trained on \(5,\)"),
        (np.zeros((2, 5, 1)), r"shape \(5, 1\), but"),
        (np.full((2, 5), np.nan), "NaN or infinite"),
    ],
)
def test_examples_it_cannot_predict_are_refused(fitted, X, words):
    with pytest.raises(ValueError, match=words):
        fitted.predict(X)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X, y: (X[:0], y[:0]), "one row of features"),
        (lambda X, y: (X[:, 0], y), "one row of features"),
        (lambda X, y: (np.where(X > 0, X, np.nan), y), "NaN or infinite"),
        (lambda X, y: (X, y[:-1]), "each of the 150 examples"),
        (lambda X, y: (X, np.eye(3)[np.arange(150) % 3]), "each of the 150 examples"),
        (lambda X, y: (X, np.where(y == "sad", None, y)), "none missing"),
    ],
)
def test_examples_it_cannot_learn_are_refused(blobs, change, words):
    with pytest.raises(ValueError, match=words):
        KerasClassifier(build, epochs=1).fit(*change(*blobs))


def test_a_fit_that_stops_leaves_no_half_trained_network_that_predicts(blobs, monkeypatch):
    import keras

    model = KerasClassifier(build, epochs=1).fit(*blobs)
    monkeypatch.setattr(keras.Model, "fit", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        model.fit(*blobs)
    with pytest.raises(NotFittedError):
        model.predict(blobs[0])


def test_a_network_with_our_layers_is_unpickled_in_a_fresh_process(tmp_path):
    import keras

    from ser_helpers.models import SpecAugment

    def stripy(input_shape, n_classes):
        layers = [SpecAugment(), keras.layers.Flatten(), keras.layers.Dense(n_classes, "softmax")]
        network = keras.Sequential([keras.Input(input_shape), *layers])
        network.compile("adam", "categorical_crossentropy")
        return network

    X = np.ones((4, 3, 2), dtype="float32")
    model = KerasClassifier(stripy, epochs=1).fit(X, ["calm", "angry", "sad", "angry"]).set_params(build=None)
    file = tmp_path / "network.pickle"
    file.write_bytes(pickle.dumps(model))
    script = f"import pickle, numpy; print(pickle.load(open({str(file)!r}, 'rb')).predict(numpy.ones((1, 3, 2)))[0])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == model.predict(X)[0], run.stderr


@pytest.mark.parametrize("result", ["nothing", "an uncompiled network"])
def test_a_build_without_compile_or_return_is_refused(blobs, result):
    import keras

    def unfinished(input_shape, n_classes):
        return None if result == "nothing" else keras.Sequential([keras.Input(input_shape), keras.layers.Dense(3)])

    with pytest.raises(ValueError, match="build must return a compiled"):
        KerasClassifier(unfinished).fit(*blobs)


def test_no_epoch_is_refused(blobs):
    with pytest.raises(ValueError, match="epochs must be at least 1, not 0"):
        KerasClassifier(build, epochs=0).fit(*blobs)


def test_one_class_or_an_unknown_label_is_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="at least two classes"):
        KerasClassifier(build).fit(X, ["sad"] * len(X))
    with pytest.raises(ValueError, match=r"\['bored'\] do not occur"):
        KerasClassifier(build, epochs=1).fit(X, y, validation_data=(X[:1], ["bored"]))
