"""Attention pooling: a softmax over time that padding cannot change, the same on both backends."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from ser_helpers.models import AttentionPooling  # noqa: E402


@pytest.fixture
def frames():
    return np.random.default_rng(0).normal(size=(3, 7, 4)).astype("float32")


def by_hand(layer, frames):
    """The layer's sum and weights for one recording (time, dims), in numpy."""
    W, b, v = (keras.ops.convert_to_numpy(weight) for weight in (layer.W, layer.b, layer.v))
    scores = np.tanh(frames @ W + b) @ v[:, 0]
    weights = np.exp(scores) / np.exp(scores).sum()
    return weights @ frames, weights


def network(cell, units=6):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None, 4)),
            layers.Masking(0.0),
            layers.Bidirectional(cell(units, return_sequences=True)),
            AttentionPooling(5),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy")
    return model


def padded(recording, frames):
    return np.pad(recording, ((0, frames), (0, 0)))[None]


def test_it_is_the_sum_written_by_hand(frames):
    layer = AttentionPooling(5, return_weights=True)
    pooled, weights = map(keras.ops.convert_to_numpy, layer(frames))
    for row, recording in enumerate(frames):
        expected, expected_weights = by_hand(layer, recording)
        np.testing.assert_allclose(pooled[row], expected, atol=1e-6)
        np.testing.assert_allclose(weights[row], expected_weights, atol=1e-6)


def test_hidden_frames_count_as_if_they_were_not_there(frames):
    layer = AttentionPooling(5)
    mask = np.array([[True] * 7, [True] * 3 + [False] * 4, [False] * 7])
    pooled = keras.ops.convert_to_numpy(layer(frames, mask=mask))
    np.testing.assert_allclose(pooled[1], by_hand(layer, frames[1, :3])[0], atol=1e-6)
    assert (pooled[2] == 0).all()
    weights = layer.weights_over_time(frames, mask)
    assert (weights[1, 3:] == 0).all()
    assert (weights[2] == 0).all()
    np.testing.assert_allclose(weights[:2].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("cell", [keras.layers.LSTM, keras.layers.GRU])
@pytest.mark.parametrize("trained", [False, True])
def test_padding_never_changes_a_prediction(frames, cell, trained):
    keras.utils.set_random_seed(0)
    model = network(cell)
    if trained:
        batch = np.concatenate([padded(frames[0], 3), padded(frames[1], 3), padded(frames[2][:4], 6)])
        model.fit(batch, np.eye(3), epochs=4, verbose=0)
    alone = keras.ops.convert_to_numpy(model(frames[:1]))
    for extra in (1, 13, 200):
        together = np.concatenate([padded(frames[0], extra), np.ones((1, 7 + extra, 4), "float32")])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(model(together))[0], alone[0], atol=1e-5)


def test_a_recording_of_zeros_alone_gives_probabilities():
    assert np.isfinite(network(keras.layers.LSTM).predict(np.zeros((2, 5, 4)), verbose=0)).all()


@pytest.mark.parametrize("return_weights", [False, True])
def test_it_is_saved_with_its_settings_and_weights(tmp_path, frames, return_weights):
    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, AttentionPooling(5, return_weights=return_weights)(keras.layers.Masking()(inputs)))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    for one, other in zip(keras.tree.flatten(model(frames)), keras.tree.flatten(again(frames)), strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))


def test_wrong_shapes_are_named(frames):
    with pytest.raises(ValueError, match=r"\(batch, time, dims\)"):
        AttentionPooling(5)(frames[0])
    with pytest.raises(ValueError, match="at least one unit"):
        AttentionPooling(0)


def test_half_precision_keeps_hidden_frames_hidden(frames):
    layer = AttentionPooling(5, dtype="mixed_float16")
    mask = np.array([[True] * 3 + [False] * 4] * 3)
    assert (layer.weights_over_time(frames, mask)[:, 3:] == 0).all()


def test_both_backends_give_the_same_sum_and_the_same_gradient(on_both_backends, frames):
    rng = np.random.default_rng(1)
    arrays = {
        "frames": frames,
        "mask": np.arange(7) < np.array([[7], [4], [0]]),
        "W": rng.normal(size=(4, 5)).astype("float32"),
        "b": rng.normal(size=5).astype("float32"),
        "v": rng.normal(size=(5, 1)).astype("float32"),
        "target": rng.normal(size=(3, 4)).astype("float32"),
    }
    snippet = """
from ser_helpers.models import AttentionPooling
layer = AttentionPooling(5, return_weights=True)
layer.build((None, None, 4))
layer.set_weights([W, b, v])
results["pooled"], results["weights"] = layer(frames, mask=mask)
inputs = keras.Input((7, 4)), keras.Input((7,), dtype="bool")
pool = AttentionPooling(5)
model = keras.Model(inputs, pool(inputs[0], mask=inputs[1]))
pool.set_weights([W, b, v])
model.compile(keras.optimizers.SGD(1.0), "mse")
model.train_on_batch([frames, mask], target)
results["W"], results["v"] = pool.W, pool.v
"""
    tensorflow, torch = on_both_backends(snippet, **arrays)
    for name, value in tensorflow.items():
        np.testing.assert_allclose(value, torch[name], atol=1e-5, err_msg=name)
    assert not np.allclose(tensorflow["W"], arrays["W"])
