"""The map of a cross-modal network is its layer's weights, whatever is padded beside it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import explain
from ser_helpers.models import FrameScaler, KerasClassifier, PerModality, Vocabulary

keras = pytest.importorskip("keras")


def network(input_shape, n_classes):
    from ser_helpers.models import AttentionPooling, CrossModalAttention

    inputs = {name: keras.Input(shape, name=name) for name, shape in input_shape.items()}
    words = keras.layers.Embedding(9, 4, mask_zero=True)(keras.layers.Reshape((-1,))(inputs["text"]))
    heard = CrossModalAttention(4)(words, keras.layers.Masking()(inputs["audio"]))
    model = keras.Model(inputs, keras.layers.Dense(n_classes, "softmax")(AttentionPooling(4)(heard)))
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def fitted():
    random = np.random.default_rng(0)
    X = pd.DataFrame({"audio": pd.Series([random.normal(size=(3 + k, 5)) for k in range(8)])})
    X["text"] = ["I know.", "You know me!"] * 4
    first = PerModality({"audio": FrameScaler(), "text": Vocabulary(min_count=1)})
    return make_pipeline(first, KerasClassifier(network, epochs=1)).fit(X, ["happy", "sad"] * 4), X


def test_one_row_per_word_one_column_per_frame(fitted):
    model, X = fitted
    found = explain.cross_attention(model, X[3:4])
    assert found.shape == (4, 6)  # you know me !
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_it_is_softmax_of_query_times_key(fitted):
    model, X = fitted
    ids, frames = model[0].transform(X[:1])[["text", "audio"]].iloc[0]
    layers = {type(layer).__name__: layer.get_weights() for layer in model[-1].model_.layers}
    Q, K, _ = layers["CrossModalAttention"]
    words = layers["Embedding"][0][ids[:, 0].astype(int)]
    scores = (words @ Q) @ (frames @ K).T / 2
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(explain.cross_attention(model, X[:1]), expected, atol=1e-5)


def test_another_network_gets_a_sentence(fitted):
    model, X = fitted
    with pytest.raises(EvaluationError, match="no CrossModalAttention"):
        explain.cross_attention(model[:-1], X[:1])
