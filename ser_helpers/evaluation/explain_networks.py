"""What a Keras network looked at in one example; use it through ``evaluation.explain``."""

import contextlib
import warnings

import numpy as np
import pandas as pd
from scipy.ndimage import zoom
from sklearn.pipeline import Pipeline

from ser_helpers.errors import EvaluationError

COMPLETE = 0.05
"""Integrated gradients may miss the change of the probability by this much before they say so."""


def network_input(model, example):
    """`example` as the network in `model` gets it, after the pipeline's scalers: an array such as (frames, dims).

    Parameters
    ----------
    model : fitted KerasClassifier, or a Pipeline that ends in one
    example : array, or a table or Series of one row
        One row of what the model was trained on: (frames, dims) for a sequence, (dims,) for a vector.

    Raises
    ------
    EvaluationError
        If the model holds no fitted network.

    Notes
    -----
    Lesson 07.
    """
    return classifier_and_input(model, example)[1][0]


def attention(model, example):
    """The weight that the network's attention gives to each frame: an array (frames,) that adds up to 1.

    Parameters
    ----------
    model, example
        As in `network_input`; the network has one ``models.AttentionPooling`` layer.

    Raises
    ------
    EvaluationError
        If the network has no such layer.

    Notes
    -----
    Attention shows where the pooled vector comes from, which need not be why the network decided: Jain and Wallace,
    "Attention is not explanation", NAACL 2019, doi:10.18653/v1/N19-1357. Lesson 07.
    """
    import keras

    from ser_helpers.models import AttentionPooling

    classifier, x = classifier_and_input(model, example)
    network = classifier.model_
    found = [layer for layer in network.layers if isinstance(layer, AttentionPooling)]
    if not found:
        raise EvaluationError("This network has no AttentionPooling layer to ask: try integrated_gradients.")
    layer = AttentionPooling(found[-1].units, return_weights=True)
    begin, tensors, _ = _wiring(network)
    _, weights = layer(*tensors[found[-1]][0])
    layer.set_weights(found[-1].get_weights())
    return keras.ops.convert_to_numpy(keras.Model(begin, weights)(x, training=False))[0]


def grad_cam(model, example, label=None, layer=None):
    """Where in a spectrogram a convolutional network found reasons for `label`: an array (frames, bands), 0 or more.

    The last feature maps are added up, each weighted by how much the label's score rises with it on average; what
    speaks against the label is cut off, and the sum is stretched to the size of the input.

    Parameters
    ----------
    model, example
        As in `network_input`.
    label : str, optional
        By default the label that the network predicts.
    layer : str, optional
        Name of a layer that gives maps (batch, rows, columns, channels); by default the last that does, except pooling.

    Raises
    ------
    EvaluationError
        If the network has no such layer, or does not know the label.

    Notes
    -----
    Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based localization", ICCV 2017,
    doi:10.1109/ICCV.2017.74. The score is the one before the softmax. Lesson 07.
    """
    import keras

    classifier, x = classifier_and_input(model, example)
    network, column = classifier.model_, column_of(classifier, x, label)
    begin, tensors, end = _wiring(network)
    middle = tensors[_map_layer(network, layer)][1]
    maps, head = keras.Model(begin, middle)(x, training=False), keras.Model(middle, end)
    with _before_softmax(network):
        slopes = gradient(lambda maps: head(maps, training=False)[:, column], maps)[0]
    seen = np.maximum(keras.ops.convert_to_numpy(maps)[0] @ slopes.mean(axis=(0, 1)), 0)
    factors = np.divide(x.shape[1:3], seen.shape)
    return zoom(seen, factors, order=1, mode="nearest", grid_mode=True)


def integrated_gradients(model, example, label=None, baseline=None, steps=50):
    """How much each number of the input added to the label's probability: an array like the network's input.

    The probability's slope is averaged on the straight way from `baseline` to the example and multiplied by the way.
    The attributions add up to the probability of the example minus that of the baseline (completeness).

    Parameters
    ----------
    model, example
        As in `network_input`.
    label : str, optional
        By default the label that the network predicts.
    baseline : number or array, optional
        An input that says nothing, like the network's input; by default 0, which after a scaler is the mean.
    steps : int
        Points on the way at which the slope is taken.

    Raises
    ------
    EvaluationError
        If the network does not know the label, or `steps` is not positive.

    Notes
    -----
    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017, arXiv:1703.01365. A warning says
    when the sum misses by more than 0.05. Lesson 07.
    """
    if steps < 1:
        raise EvaluationError(f"Integrated gradients need at least one step, not {steps}.")
    classifier, x = classifier_and_input(model, example)
    column = column_of(classifier, x, label)
    baseline = np.broadcast_to(np.asarray(0 if baseline is None else baseline, dtype="float32"), x.shape)
    way = x - baseline
    shares = ((np.arange(steps) + 0.5) / steps).reshape(-1, *[1] * (x.ndim - 1)).astype("float32")

    def probability(x):
        return classifier.model_(x, training=False)[:, column]

    attributions = way[0] * gradient(probability, baseline + shares * way).mean(axis=0)
    change = float(probability(x)[0]) - float(probability(baseline)[0])
    if abs(attributions.sum() - change) > COMPLETE:
        warnings.warn(
            f"The attributions add up to {attributions.sum():.2f}, but the probability changes by {change:.2f}: take"
            " more steps, or a baseline that the network does not mask.",
            stacklevel=2,
        )
    return attributions


def gradient(score, x):
    """The slope of ``score(x)``, one number per row of `x`, with respect to `x`: an array like `x`. Lesson 07.

    Raises EvaluationError on Keras backends other than TensorFlow and torch.

    >>> gradient(lambda x: (x * x)[:, 0], np.array([[3.0], [5.0]])).tolist()
    [[6.0], [10.0]]
    """
    import keras

    x = keras.ops.convert_to_tensor(x)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            total = keras.ops.sum(score(x))
        return tape.gradient(total, x, unconnected_gradients="zero").numpy()
    if keras.backend.backend() == "torch":
        import torch

        x = x.detach().clone().requires_grad_()
        (slopes,) = torch.autograd.grad(keras.ops.sum(score(x)), x)
        return keras.ops.convert_to_numpy(slopes)
    raise EvaluationError(
        f"Gradients are computed on TensorFlow and torch, not on {keras.backend.backend()}: set KERAS_BACKEND."
    )


def classifier_and_input(model, example):
    """The fitted ``KerasClassifier`` in `model`, and `example` as its network gets it, (1, ...). Lesson 07."""
    X = one_row(example)
    if isinstance(model, Pipeline):
        X = model[:-1].transform(X) if len(model) > 1 else X
        model = model[-1]
    if not hasattr(model, "model_"):
        raise EvaluationError(
            "This explanation needs a fitted KerasClassifier, or a pipeline that ends in one, and got"
            f" {type(model).__name__}."
        )
    return model, np.stack([np.asarray(row, dtype="float32") for row in np.asarray(X)])


def one_row(example):
    """One example as the X of a scikit-learn model: a table of one row, or a Series of one array. Lesson 07.

    >>> one_row(np.zeros((5, 3))).map(np.shape).tolist(), one_row(np.zeros(3)).shape
    ([(5, 3)], (1, 3))
    """
    if isinstance(example, pd.Series) and example.dtype != object:
        example = example.to_frame().T  # a row taken out of a table
    if isinstance(example, (pd.DataFrame, pd.Series)):
        if len(example) != 1:
            raise EvaluationError(f"Explain one example at a time: this is a table of {len(example)} rows.")
        return example
    example = np.asarray(example)
    return pd.Series([example]) if example.ndim == 2 else example[None]


def column_of(model, X, label):
    """The column of `label` among the model's classes; by default that of the label it predicts for `X`. Lesson 07."""
    if label is None:
        label = model.predict(X)[0]
    classes = np.asarray(model.classes_).tolist()
    if label not in classes:
        raise EvaluationError(f"The model does not know {label!r}; it knows {', '.join(map(str, classes))}.")
    return classes.index(label)


def _wiring(network):
    """The symbolic input of `network`, for each layer its symbolic inputs (a list) and output, and the last output.

    A Sequential network is wired anew: one that grew by ``add`` remembers its layers' outputs from before it was whole.
    """
    import keras

    if not isinstance(network, keras.Sequential):
        tensors = {layer: (keras.tree.flatten(layer.input), layer.output) for layer in network.layers}
        return network.inputs[0], tensors, network.outputs[0]
    begin = tensor = keras.Input(batch_shape=network.inputs[0].shape)
    tensors = {}
    for layer in network.layers:
        before, tensor = tensor, layer(tensor)
        tensors[layer] = [before], tensor
    return begin, tensors, tensor


def _map_layer(network, name):
    """The layer of that name, or the last one whose output is a stack of maps."""
    import keras

    layers = [layer for layer in network.layers if len(getattr(layer.output, "shape", ())) == 4]
    pooling = (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
    chosen = [layer for layer in layers if layer.name == name or (name is None and not isinstance(layer, pooling))]
    if not chosen:
        names = ", ".join(layer.name for layer in layers) or "none"
        raise EvaluationError(
            f"Grad-CAM needs a layer that gives maps (batch, rows, columns, channels); this network has: {names}."
        )
    return chosen[-1]


@contextlib.contextmanager
def _before_softmax(network):
    """Let the last layer give its scores instead of probabilities for a while."""
    import keras

    last = network.layers[-1]
    activation = getattr(last, "activation", None)
    if activation is not keras.activations.softmax:
        yield
        return
    last.activation = keras.activations.linear
    try:
        yield
    finally:
        last.activation = activation
