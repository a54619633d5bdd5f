"""Cross-modal attention: a softmax over frames for each word, which padding on either side cannot change."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from ser_helpers.models import AttentionPooling, CrossModalAttention  # noqa: E402


@pytest.fixture
def both():
    random = np.random.default_rng(0)
    return random.normal(size=(3, 4, 6)).astype("float32"), random.normal(size=(3, 7, 5)).astype("float32")


def by_hand(layer, words, frames):
    """Output and weights for one sentence (words, dims) and its voice (frames, dims), in numpy."""
    Q, K, V = (keras.ops.convert_to_numpy(weight) for weight in (layer.W_query, layer.W_key, layer.W_value))
    scores = (words @ Q) @ (frames @ K).T / np.sqrt(layer.units)
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return weights @ (frames @ V), weights


def network():
    layers = keras.layers
    words, frames = keras.Input((None, 1), name="text"), keras.Input((None, 5), name="audio")
    heard = layers.Masking(0.0)(frames)
    read = layers.Embedding(9, 6, mask_zero=True)(layers.Reshape((-1,))(words))
    found = CrossModalAttention(8)(read, heard)
    pooled = AttentionPooling(4)(found)
    model = keras.Model({"text": words, "audio": frames}, layers.Dense(3, "softmax")(pooled))
    model.compile("adam", "categorical_crossentropy")
    return model


def test_it_is_the_sum_written_by_hand(both):
    layer = CrossModalAttention(8, return_weights=True)
    output, weights = map(keras.ops.convert_to_numpy, layer(*both))
    for row, (words, frames) in enumerate(zip(*both, strict=True)):
        expected, expected_weights = by_hand(layer, words, frames)
        np.testing.assert_allclose(output[row], expected, atol=1e-5)
        np.testing.assert_allclose(weights[row], expected_weights, atol=1e-6)


def test_hidden_steps_count_as_if_they_were_not_there(both):
    layer = CrossModalAttention(8)
    words_mask = np.array([[True] * 4, [True] * 2 + [False] * 2, [True] * 4])
    frames_mask = np.array([[True] * 7, [False] * 3 + [True] * 4, [False] * 7])
    output = keras.ops.convert_to_numpy(layer(*both, query_mask=words_mask, context_mask=frames_mask))
    words, frames = both
    np.testing.assert_allclose(output[1, :2], by_hand(layer, words[1, :2], frames[1, 3:])[0], atol=1e-5)
    assert (output[1, 2:] == 0).all()
    assert (output[2] == 0).all()
    weights = layer.weights_over_context(*both, words_mask, frames_mask)
    assert (weights[1, :, :3] == 0).all()
    np.testing.assert_allclose(weights[0].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("side", ["text", "audio"])
def test_padding_never_changes_a_prediction(both, side):
    keras.utils.set_random_seed(0)
    model = network()
    inputs = {"text": np.array([[[3.0], [4.0], [2.0]]], "float32"), "audio": both[1][:1]}
    alone = keras.ops.convert_to_numpy(model(inputs))
    for extra in (1, 40):
        longer = inputs | {side: np.pad(inputs[side], ((0, 0), (0, extra), (0, 0)))}
        np.testing.assert_allclose(keras.ops.convert_to_numpy(model(longer)), alone, atol=1e-6)


def test_a_missing_modality_gives_probabilities(both):
    inputs = {"text": np.zeros((1, 3, 1), "float32"), "audio": both[1][:1]}
    for missing in (inputs, {"text": np.ones((1, 3, 1), "float32"), "audio": np.zeros((1, 1, 5), "float32")}):
        assert np.isfinite(keras.ops.convert_to_numpy(network()(missing))).all()


def test_it_is_saved_and_comes_back(both, tmp_path):
    model = network()
    inputs = {"text": np.ones((3, 2, 1), "float32"), "audio": both[1]}
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(again.predict(inputs, verbose=0), model.predict(inputs, verbose=0), atol=1e-6)


def test_impossible_inputs_get_a_sentence(both):
    with pytest.raises(ValueError, match="at least one unit"):
        CrossModalAttention(0)
    with pytest.raises(ValueError, match=r"context must be \(batch, time, dims\)"):
        CrossModalAttention(2)(both[0], both[1][0])


SNIPPET = """
from ser_helpers.models import CrossModalAttention
random = np.random.default_rng(0)
words, frames = (random.normal(size=shape).astype("float32") for shape in ((2, 4, 6), (2, 7, 5)))
layer = CrossModalAttention(8)
layer.build(words.shape, frames.shape)
layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
masks = np.arange(4) < np.array([[4], [2]]), np.arange(7) < np.array([[3], [7]])
results["output"] = layer(words, frames, query_mask=masks[0], context_mask=masks[1])
"""


def test_both_backends_agree(on_both_backends):
    tensorflow, torch = on_both_backends(SNIPPET)
    np.testing.assert_allclose(tensorflow["output"], torch["output"], atol=1e-5)
