"""Keras networks behave like scikit-learn classifiers and regressors, with one input or several."""

import functools
import pickle
import subprocess
import sys
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_regressor
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.metrics import recall_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from ser_helpers.evaluation import ccc
from ser_helpers.models import KerasClassifier, KerasRegressor, ccc_loss, keras_estimators

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


@pytest.mark.slow
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


@pytest.fixture
def both():
    """Two inputs for 40 utterances: voices of different lengths, which decide the class, and a text vector."""
    rng = np.random.default_rng(0)
    y = np.array(["calm", "angry"])[np.arange(40) % 2]
    voice = [rng.normal(label == "angry", 0.3, (rng.integers(3, 9), 3)) for label in y]
    return pd.DataFrame({"voice": voice, "text": list(rng.normal(size=(40, 5)))}, [f"u{n}" for n in range(40)]), y


def two_inputs(input_shape, n_classes):
    import keras

    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    voice = keras.layers.LSTM(4)(keras.layers.Masking()(inputs["voice"]))
    output = keras.layers.Dense(n_classes, "softmax")(keras.layers.concatenate([voice, inputs["text"]]))
    model = keras.Model(inputs, output)
    model.compile(keras.optimizers.Adam(0.05), "categorical_crossentropy")
    return model


def two_listed_inputs(input_shape, n_classes):
    import keras

    model = two_inputs(input_shape, n_classes)
    listed = keras.Model([model.input["voice"], model.input["text"]], model.output)
    listed.compile(keras.optimizers.Adam(0.05), "categorical_crossentropy")
    return listed


@pytest.mark.parametrize("build", [two_inputs, two_listed_inputs])
def test_a_network_with_two_inputs_learns_and_padding_changes_nothing(both, build):
    X, y = both
    model = KerasClassifier(build, epochs=15).fit(X, y, validation_data=(X[:8], y[:8]))
    assert model.input_shape_ == {"voice": (None, 3), "text": (5,)}
    assert model.score(X, y) > 0.9
    together = model.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X[:1]), together[:1], atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X[["text", "voice"]]), together, atol=1e-6)


def test_a_fit_with_two_inputs_is_kept_and_known_by_each_of_them(both, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    X, y = both
    model = KerasClassifier(two_inputs, epochs=1, cache=True)
    first = model.fit(X, y, validation_data=(X[:8], y[:8])).predict_proba(X)
    np.testing.assert_array_equal(model.fit(X, y, validation_data=(X[:8], y[:8])).predict_proba(X), first)
    assert len(list((tmp_path / "checkpoints").glob("*.npz"))) == 1
    model.fit(X.assign(text=[text + 1 for text in X.text]), y)
    assert len(list((tmp_path / "checkpoints").glob("*.npz"))) == 2


def test_column_groups_are_inputs():
    columns = pd.MultiIndex.from_tuples([("voice", "pitch"), ("text", "a"), ("voice", "level")])
    arrays, shape = keras_estimators.to_arrays(pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=columns))
    assert shape == {"voice": (2,), "text": (1,)}
    assert arrays["voice"].tolist() == [[0, 2], [3, 5]]
    assert [part.shape for part in keras_estimators._as_list(arrays)] == [(2, 1), (2, 2)]


def test_a_column_of_numbers_beside_arrays_is_an_input_too():
    arrays, shape = keras_estimators.to_arrays(pd.DataFrame({"text": [np.zeros(2)] * 3, "age": [20, 30, 40]}))
    assert shape == {"text": (2,), "age": (1,)}
    assert arrays["age"].dtype == np.float32


def test_a_table_of_numbers_is_one_input_whatever_its_dtype():
    X = pd.DataFrame({"pitch": [1.0, 2.0], "level": [3, 4]})
    for table in (X, X.astype(object)):
        arrays, shape = keras_estimators.to_arrays(table)
        assert (arrays.tolist(), shape) == ([[1, 3], [2, 4]], (2,))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X: X[["voice"]], "has the inputs voice, but the network was trained on text, voice"),
        (lambda X: np.zeros((2, 5)), "has the inputs one input, but"),
        (lambda X: X.assign(text=[np.zeros(4)] * 40), r"shape \(4,\), but the network was trained on \(5,\)"),
        (lambda X: X.assign(text=[np.zeros(4 + n % 2) for n in range(40)]), "'text' has vectors of different"),
        (lambda X: X.assign(text=[np.full(5, np.nan)] * 40), "The input 'text': X contains NaN"),
        (lambda X: X.assign(voice=[np.zeros((3, 2 + n % 2)) for n in range(40)]), "The input 'voice': Every sequence"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(both, change, words):
    X, y = both
    model = KerasClassifier(two_inputs, epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=words):
        model.predict(change(X))


def regression(input_shape, n_targets, loss="mse"):
    import keras

    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(16, "relu"), keras.layers.Dense(n_targets)])
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def by_ccc(input_shape, n_targets):
    return regression(input_shape, n_targets, ccc_loss)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    noise = 0.2 * rng.normal(size=(200, 3))
    y = [3, 100, 0.5] + (np.stack([X[:, 0], X[:, 1] * X[:, 2], X[:, 3]], axis=1) + noise) * [1, 20, 0.1]
    return X, y


@pytest.mark.slow
@pytest.mark.parametrize("network", [regression, by_ccc])
def test_three_targets_on_three_scales_are_learnt_at_once(numbers, network):
    X, y = numbers
    model = KerasRegressor(network, epochs=60).fit(X[:150], y[:150], validation_data=(X[150:], y[150:]))
    predicted = model.predict(X[150:])
    assert predicted.shape == (50, 3)
    scores = [ccc(y[150:, k], predicted[:, k]) for k in range(3)]
    assert min(scores) > 0.7
    assert set(model.history_) == {"loss", "ccc", "val_loss", "val_ccc"}
    assert model.history_.val_ccc.iloc[-1] == pytest.approx(np.mean(scores), abs=1e-4)
    assert model.history_.index.tolist() == list(range(1, 61))


def test_the_loss_is_the_one_that_was_asked_for(numbers):
    X, y = numbers
    model = KerasRegressor(by_ccc, epochs=60).fit(X, y[:, 0], validation_data=(X, y[:, 0]))
    last = model.history_.iloc[-1]
    assert last.val_loss == pytest.approx(1 - last.val_ccc, abs=0.05)  # per batch against all at once


def test_one_target_is_a_flat_array_and_a_column_stays_a_column(numbers):
    X, y = numbers
    assert KerasRegressor(regression, epochs=1).fit(X, y[:, 0]).predict(X).shape == (200,)
    assert KerasRegressor(regression, epochs=1).fit(X, y[:, [0]]).predict(X).shape == (200, 1)
    assert KerasRegressor(regression, epochs=1).fit(X, pd.DataFrame(y[:, :2])).predict(X).shape == (200, 2)


def test_predictions_move_and_stretch_with_the_target(numbers):
    X, y = numbers
    plain = KerasRegressor(by_ccc, epochs=5).fit(X, y[:, 0]).predict(X)
    moved = KerasRegressor(by_ccc, epochs=5).fit(X, 10 + 4 * y[:, 0]).predict(X)
    np.testing.assert_allclose(moved, 10 + 4 * plain, rtol=1e-3)


@pytest.mark.slow
def test_without_standardising_a_far_target_is_out_of_reach_for_the_ccc(numbers):
    X, y = numbers
    scores = {
        inside: ccc(y[:, 1], KerasRegressor(by_ccc, epochs=30, standardise=inside).fit(X, y[:, 1]).predict(X))
        for inside in (True, False)
    }
    assert scores[True] > 0.7
    assert scores[False] < 0.3


def test_a_network_may_end_on_the_targets_own_scale(numbers):
    import keras

    def sigmoid(input_shape, n_targets):
        model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_targets, "sigmoid")])
        model.compile(keras.optimizers.Adam(0.05), "mse")
        return model

    X, y = numbers
    y = np.clip(y[:, 2], 0, 1)
    predicted = KerasRegressor(sigmoid, epochs=30, standardise=False).fit(X, y).predict(X)
    assert 0 < predicted.min() < predicted.max() < 1
    assert ccc(y, predicted) > 0.7


def test_a_constant_target_is_predicted_as_it_is(numbers):
    X, _ = numbers
    np.testing.assert_allclose(KerasRegressor(regression, epochs=20).fit(X, np.full(200, 3.0)).predict(X), 3, atol=0.3)


def test_it_clones_pickles_and_cross_validates(numbers):
    X, y = numbers
    model = KerasRegressor(by_ccc, epochs=15, batch_size=16, seed=4)
    assert is_regressor(model)
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=3).mean() > 0.3  # R² of scikit-learn
    fitted = model.fit(X, y)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X), atol=1e-6)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_the_same_fit_is_read_and_other_targets_are_another(numbers, tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    X, y = numbers
    model = KerasRegressor(by_ccc, epochs=2, cache=True)
    first = model.fit(X, y).predict(X)
    np.testing.assert_array_equal(model.fit(X, y).predict(X), first)
    assert len(list((tmp_path / "checkpoints").glob("*.npz"))) == 1
    model.fit(X, y[:, ::-1])
    assert len(list((tmp_path / "checkpoints").glob("*.npz"))) == 2


def test_sequences_are_regressed_too():
    import keras

    def recurrent(input_shape, n_targets):
        layers = [keras.layers.Masking(), keras.layers.GRU(4), keras.layers.Dense(n_targets)]
        model = keras.Sequential([keras.Input(input_shape), *layers])
        model.compile("adam", ccc_loss)
        return model

    rng = np.random.default_rng(0)
    X = pd.Series([rng.normal(size=(length, 3)) for length in (4, 9, 6, 5)], list("abcd"))
    model = KerasRegressor(recurrent, epochs=1).fit(X, [1, 2, 3, 4])
    np.testing.assert_allclose(model.predict(X)[:1], model.predict(X[:1]), atol=1e-6)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["sad"] * 200, "y must be numbers: for words take a KerasClassifier"),
        (np.full(200, np.nan), "y contains NaN"),
        (np.zeros(199), "each of the 200 examples"),
        (np.zeros((200, 0)), "each of the 200 examples"),
        (np.zeros((200, 2, 2)), "each of the 200 examples"),
    ],
)
def test_targets_it_cannot_learn_are_refused(numbers, y, words):
    with pytest.raises(ValueError, match=words):
        KerasRegressor(regression, epochs=1).fit(numbers[0], y)


def test_a_network_with_another_number_of_outputs_is_refused(numbers):
    X, y = numbers
    with pytest.raises(ValueError, match=r"ends in the shape \(1,\), and y has 3 target.*Dense\(3\)"):
        KerasRegressor(lambda shape, n: regression(shape, 1), epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="the same columns as in training"):
        KerasRegressor(regression, epochs=1).fit(X, y, validation_data=(X, y[:, 0]))
