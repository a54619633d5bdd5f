"""What a network is fed: one input or several, each as one array."""

import numpy as np
import pandas as pd
import pytest

from ser_helpers.models import KerasClassifier, keras_estimators


@pytest.fixture(scope="module")
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
    assert len(list((tmp_path / "fits").glob("*.npz"))) == 1
    model.fit(X.assign(text=[text + 1 for text in X.text]), y)
    assert len(list((tmp_path / "fits").glob("*.npz"))) == 2


def test_column_groups_are_inputs():
    columns = pd.MultiIndex.from_tuples([("voice", "pitch"), ("text", "a"), ("voice", "level")])
    arrays, shape = keras_estimators.read(pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=columns))
    assert shape == {"voice": (2,), "text": (1,)}
    assert arrays["voice"].tolist() == [[0, 2], [3, 5]]
    assert [part.shape for part in keras_estimators.parts(arrays)] == [(2, 1), (2, 2)]


def test_a_column_of_numbers_beside_arrays_is_an_input_too():
    arrays, shape = keras_estimators.read(pd.DataFrame({"text": [np.zeros(2)] * 3, "age": [20, 30, 40]}))
    assert shape == {"text": (2,), "age": (1,)}
    assert arrays["age"].dtype == np.float32


def test_a_table_of_numbers_is_one_input_whatever_its_dtype():
    X = pd.DataFrame({"pitch": [1.0, 2.0], "level": [3, 4]})
    for table in (X, X.astype(object)):
        arrays, shape = keras_estimators.read(table)
        assert (arrays.tolist(), shape) == ([[1, 3], [2, 4]], (2,))


@pytest.fixture(scope="module")
def fitted(both):
    return KerasClassifier(two_inputs, epochs=1).fit(*both)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X: X[["voice"]], "has the inputs voice, but the network was trained on text, voice"),
        (lambda X: np.zeros((2, 5)), "has the inputs one input, but"),
        (lambda X: X.assign(text=[np.zeros(4)] * 40), r"shape \(4,\), but the network was trained on \(5,\)"),
        (lambda X: X.assign(text=[np.zeros(4 + n % 2) for n in range(40)]), "'text' holds vectors of different"),
        (lambda X: X.assign(text=[np.full(5, np.nan)] * 40), "The input 'text': X holds NaN"),
        (lambda X: X.assign(voice=[np.zeros((3, 2 + n % 2)) for n in range(40)]), "The input 'voice': Every sequence"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(both, fitted, change, words):
    with pytest.raises(ValueError, match=words):
        fitted.predict(change(both[0]))
