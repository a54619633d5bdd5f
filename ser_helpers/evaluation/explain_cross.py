"""Which moments of the voice each word looked at; use it through ``evaluation.explain``."""

import numpy as np
from sklearn.pipeline import Pipeline

from ser_helpers.errors import EvaluationError
from ser_helpers.models import examples


def cross_attention(model, X):
    """The weight that each query (a word) gives to each step of the other modality (an audio frame).

    Parameters
    ----------
    model : fitted KerasClassifier, or a Pipeline that ends in one
        Its network has a ``models.CrossModalAttention`` layer; of several, the last is asked.
    X : DataFrame of one row
        An utterance of the table of modalities that the model was trained on.

    Returns
    -------
    array (words, frames)
        Each row adds up to 1.

    Raises
    ------
    EvaluationError
        If the network has no such layer.

    Notes
    -----
    As with every attention, it says where the output comes from, which need not be why the network decided. Lesson 10.
    """
    import keras

    from ser_helpers.models import CrossModalAttention

    network = getattr(model[-1] if isinstance(model, Pipeline) else model, "model_", None)
    found = [layer for layer in getattr(network, "layers", []) if isinstance(layer, CrossModalAttention)]
    if not found:
        raise EvaluationError("This model has no CrossModalAttention layer to ask: give a fitted network that has one.")
    inputs, _ = examples.read(model[:-1].transform(X) if isinstance(model, Pipeline) else X)
    twin = CrossModalAttention(found[-1].units, return_weights=True)
    _, weights = twin(*found[-1].input)
    twin.set_weights(found[-1].get_weights())
    return np.asarray(keras.ops.convert_to_numpy(keras.Model(network.inputs, weights)(inputs, training=False)))[0]
