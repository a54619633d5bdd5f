"""A Keras network must behave like a scikit-learn regressor, on any scale of the target."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_helpers.evaluation import ccc
from ser_helpers.models import KerasRegressor, ccc_loss


def build(input_shape, n_targets, loss="mse"):
    import keras

    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(16, "relu"), keras.layers.Dense(n_targets)])
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def by_ccc(input_shape, n_targets):
    return build(input_shape, n_targets, ccc_loss)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    noise = 0.2 * rng.normal(size=(200, 3))
    y = [3, 100, 0.5] + (np.stack([X[:, 0], X[:, 1] * X[:, 2], X[:, 3]], axis=1) + noise) * [1, 20, 0.1]
    return X, y


@pytest.mark.parametrize("network", [build, by_ccc])
def test_three_targets_on_three_scales_are_learnt_at_once(numbers, network):
    X, y = numbers
    model = KerasRegressor(network, epochs=60, batch_size=50)
    model.fit(X[:150], y[:150], validation_data=(X[150:], y[150:]))
    predicted = model.predict(X[150:])
    assert predicted.shape == (50, 3)
    scores = [ccc(y[150:, k], predicted[:, k]) for k in range(3)]
    assert min(scores) > 0.7
    assert set(model.history_) == {"loss", "ccc", "val_loss", "val_ccc"}
    assert model.history_.val_ccc.iloc[-1] == pytest.approx(np.mean(scores), abs=1e-4)
    assert model.history_.index.tolist() == list(range(1, 61))
    if network is by_ccc:
        last = model.history_.iloc[-1]
        assert last.val_loss == pytest.approx(1 - last.val_ccc, abs=0.05)  # per batch against all at once


def test_one_target_is_a_flat_array_and_a_column_stays_a_column(numbers):
    X, y = numbers
    assert KerasRegressor(build, epochs=1).fit(X, y[:, 0]).predict(X).shape == (200,)
    assert KerasRegressor(build, epochs=1).fit(X, y[:, [0]]).predict(X).shape == (200, 1)
    assert KerasRegressor(build, epochs=1).fit(X, pd.DataFrame(y[:, :2])).predict(X).shape == (200, 2)


def test_predictions_move_and_stretch_with_the_target(numbers):
    X, y = numbers
    plain = KerasRegressor(by_ccc, epochs=2).fit(X, y[:, 0]).predict(X)
    moved = KerasRegressor(by_ccc, epochs=2).fit(X, 10 + 4 * y[:, 0]).predict(X)
    np.testing.assert_allclose(moved, 10 + 4 * plain, rtol=1e-3)


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
    np.testing.assert_allclose(KerasRegressor(build, epochs=20).fit(X, np.full(200, 3.0)).predict(X), 3, atol=0.3)


def test_it_clones_pickles_and_cross_validates(numbers):
    X, y = numbers
    model = KerasRegressor(by_ccc, epochs=20, batch_size=32, seed=4)
    assert is_regressor(model)
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=2).mean() > 0.3  # R² of scikit-learn
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
    assert len(list((tmp_path / "fits").glob("*.npz"))) == 1
    model.fit(X, y[:, ::-1])
    assert len(list((tmp_path / "fits").glob("*.npz"))) == 2


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
        (["sad"] * 200, "y must hold numbers: for words take a KerasClassifier"),
        (np.full(200, np.nan), "y holds NaN"),
        (np.zeros(199), "each of the 200 examples"),
        (np.zeros((200, 0)), "each of the 200 examples"),
        (np.zeros((200, 2, 2)), "each of the 200 examples"),
    ],
)
def test_targets_it_cannot_learn_are_refused(numbers, y, words):
    with pytest.raises(ValueError, match=words):
        KerasRegressor(build, epochs=1).fit(numbers[0], y)


def test_a_network_with_another_number_of_outputs_is_refused(numbers):
    X, y = numbers
    with pytest.raises(ValueError, match=r"ends in the shape \(1,\), and y has 3 target.*Dense\(3\)"):
        KerasRegressor(lambda shape, n: build(shape, 1), epochs=1).fit(X, y)
    with pytest.raises(ValueError, match="the same columns as in training"):
        KerasRegressor(build, epochs=1).fit(X, y, validation_data=(X, y[:, 0]))
