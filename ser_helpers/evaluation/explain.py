"""Explanations: what a fitted model looked at when it decided. They are about the model, not about the person.

`attention`, `cross_attention`, `grad_cam` and `integrated_gradients` ask a Keras network about one example;
`band_occlusion` asks any model by switching parts of a spectrogram off; `shap_values` shares the score of a linear or
tree model out among features; `sanity` checks that an explanation depends on what was learnt. ``plots`` draws them.
"""

import contextlib
import inspect
import re
import warnings

import numpy as np
import pandas as pd
from scipy.ndimage import zoom
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ser_helpers.errors import EvaluationError
from ser_helpers.models import LabelEncoded

COMPLETE = 0.05  # the error of the sum of integrated gradients from which on a warning is given


def network_input(model, example):
    """`example` as the network in `model` gets it, after the pipeline's scalers: an array such as (frames, dims).

    `model` is a fitted KerasClassifier, or a Pipeline that ends in one; EvaluationError if it has no fitted network.
    `example` is one row of what it was trained on: an array (frames, dims) for a sequence or (dims,) for a vector, or a
    table or Series of one row. Lesson 07.
    """
    return classifier_and_input(model, example)[1][0]


def attention(model, example):
    """The weight that the network's attention gives to each frame: an array (frames,) that adds up to 1.

    `model` and `example` are those of `network_input`; EvaluationError if the network has no ``AttentionPooling``
    layer. Attention shows where the pooled vector comes from, which need not be why the network decided: Jain and
    Wallace, "Attention is not explanation", NAACL 2019, doi:10.18653/v1/N19-1357. Lesson 07.
    """
    import keras

    from ser_helpers.models import AttentionPooling

    classifier, x = classifier_and_input(model, example)
    layer = _last_layer(classifier.model_, AttentionPooling)
    begin, tensors, _ = _wiring(classifier.model_)
    weights = _attention_weights(layer, tensors[layer][0])
    return keras.ops.convert_to_numpy(keras.Model(begin, weights)(x, training=False))[0]


def cross_attention(model, X):
    """The weight of each step of the other modality for each query (a word): (words, frames); each row sums to 1.

    `model` is that of `network_input`, with a ``models.CrossModalAttention`` layer, of which the last counts;
    EvaluationError if there is none. `X` is one row of the table of modalities that it was trained on. See `attention`
    on what the weights mean. Lesson 10.
    """
    import keras

    from ser_helpers.models import CrossModalAttention
    from ser_helpers.models.keras_estimators import to_arrays

    network = getattr(model[-1] if isinstance(model, Pipeline) else model, "model_", None)
    layer = _last_layer(network, CrossModalAttention)
    arrays, _ = to_arrays(model[:-1].transform(X) if isinstance(model, Pipeline) else X)
    weights = _attention_weights(layer, layer.input)
    return keras.ops.convert_to_numpy(keras.Model(network.inputs, weights)(arrays, training=False))[0]


def _last_layer(network, kind):
    layers = [layer for layer in getattr(network, "layers", []) if isinstance(layer, kind)]
    if not layers:
        raise EvaluationError(f"This model has no {kind.__name__} layer: give a fitted network that has one.")
    return layers[-1]


def _attention_weights(layer, inputs):
    """The symbolic attention weights of `layer`: those of a copy with its weights, which returns them."""
    copy = type(layer)(layer.units, return_weights=True)
    _, weights = copy(*inputs)
    copy.set_weights(layer.get_weights())
    return weights


def grad_cam(model, example, label=None, layer=None):
    """Which parts of a spectrogram speak for `label` to a convolutional network: an array (frames, bands), 0 or more.

    The last feature maps are added up, each weighted by the mean gradient of the label's score; negative values become
    0, and the sum is stretched to the size of the input. The score is the one before the softmax. Raises
    EvaluationError if the network has no such layer, or does not know the label. Lesson 07. After Selvaraju et al.,
    "Grad-CAM: Visual explanations from deep networks via gradient-based localization", ICCV 2017,
    doi:10.1109/ICCV.2017.74.

    Parameters
    ----------
    model, example
        As in `network_input`.
    label : str, optional
        By default the label that the network predicts.
    layer : str, optional
        Name of a layer that gives maps (batch, rows, columns, channels); by default the last that does, except pooling.
    """
    import keras

    classifier, x = classifier_and_input(model, example)
    network, column = classifier.model_, column_of(classifier, x, label)
    begin, tensors, end = _wiring(network)
    middle = tensors[_map_layer(network, layer)][1]
    maps, head = keras.Model(begin, middle)(x, training=False), keras.Model(middle, end)
    with _before_softmax(network):
        slopes = gradient(lambda maps: head(maps, training=False)[:, column], maps)[0]
    # (rows, columns, channels) @ (channels,), each channel weighted by its mean slope
    cam = np.maximum(keras.ops.convert_to_numpy(maps)[0] @ slopes.mean(axis=(0, 1)), 0)
    return zoom(cam, np.divide(x.shape[1:3], cam.shape), order=1, mode="nearest", grid_mode=True)


def integrated_gradients(model, example, label=None, baseline=None, steps=50):
    """How much each number of the input added to the label's probability: an array like the network's input.

    The gradient of the probability is averaged on the straight line from `baseline` to the example and multiplied by
    their difference. The attributions add up to the probability of the example minus that of the baseline
    (completeness); a warning is given if the sum is wrong by more than 0.05. Raises EvaluationError if the network does
    not know the label, or `steps` is not positive. Lesson 07. After Sundararajan, Taly and Yan, "Axiomatic attribution
    for deep networks", ICML 2017, arXiv:1703.01365.

    Parameters
    ----------
    model, example
        As in `network_input`.
    label : str, optional
        By default the label that the network predicts.
    baseline : number or array, optional
        A neutral input, like the network's input; by default 0, which after a scaler is the mean.
    steps : int
        Points on the line at which the gradient is computed.
    """
    if steps < 1:
        raise EvaluationError(f"Integrated gradients need at least one step, not {steps}.")
    classifier, x = classifier_and_input(model, example)
    column = column_of(classifier, x, label)
    baseline = np.broadcast_to(np.asarray(0 if baseline is None else baseline, dtype="float32"), x.shape)
    difference = x - baseline
    shares = ((np.arange(steps) + 0.5) / steps).reshape(-1, *[1] * (x.ndim - 1)).astype("float32")  # (steps, 1, ...)

    def probability(x):
        return classifier.model_(x, training=False)[:, column]

    attributions = difference[0] * gradient(probability, baseline + shares * difference).mean(axis=0)
    change = float(probability(x)[0]) - float(probability(baseline)[0])
    if abs(attributions.sum() - change) > COMPLETE:
        warnings.warn(
            f"The attributions add up to {attributions.sum():.2f}, but the probability changes by {change:.2f}: take"
            " more steps, or a baseline that the network does not mask.",
            stacklevel=2,
        )
    return attributions


def gradient(score, x):
    """The gradient of ``score(x)``, one number per row of `x`, with respect to `x`: an array like `x`. Lesson 07.

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

    A Sequential network is called anew, layer by layer: after ``add``, its layers have outputs of an earlier graph.
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
    candidates = [layer for layer in layers if layer.name == name or (name is None and not isinstance(layer, pooling))]
    if not candidates:
        names = ", ".join(layer.name for layer in layers) or "none"
        raise EvaluationError(
            f"Grad-CAM needs a layer that gives maps (batch, rows, columns, channels); this network has: {names}."
        )
    return candidates[-1]


@contextlib.contextmanager
def _before_softmax(network):
    """Let the last layer return logits instead of probabilities."""
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


_CURVES = {
    "F0semitoneFrom27.5Hz": "pitch",
    "loudness": "loudness",
    "spectralFlux": "spectral flux",
    "jitterLocal": "jitter",
    "shimmerLocaldB": "shimmer",
    "HNRdBACF": "harmonics-to-noise",
    "logRelF0-H1-H2": "harmonics H1-H2",
    "logRelF0-H1-A3": "harmonics H1-A3",
    "alphaRatio": "alpha ratio",
    "hammarbergIndex": "Hammarberg index",
    "slope0-500": "slope 0-500 Hz",
    "slope500-1500": "slope 500-1500 Hz",
}
_FUNCTIONALS = {
    "amean": "mean",
    "stddevNorm": "variation",
    "percentile20.0": "20th percentile",
    "percentile50.0": "median",
    "percentile80.0": "80th percentile",
    "pctlrange0-2": "range",
    "meanRisingSlope": "rising slope",
    "stddevRisingSlope": "rising slope, variation",
    "meanFallingSlope": "falling slope",
    "stddevFallingSlope": "falling slope, variation",
}
_WHOLE = {
    "loudnessPeaksPerSec": "loudness peaks per second",
    "VoicedSegmentsPerSec": "voiced segments per second",
    "MeanVoicedSegmentLengthSec": "voiced segments, mean length",
    "StddevVoicedSegmentLengthSec": "voiced segments, variation of length",
    "MeanUnvoicedSegmentLength": "unvoiced segments, mean length",
    "StddevUnvoicedSegmentLength": "unvoiced segments, variation of length",
    "equivalentSoundLevel_dBp": "sound level",
}


def feature_words(name):
    """An eGeMAPS feature's name in words; any other name as it is. Lesson 07.

    >>> feature_words("F0semitoneFrom27.5Hz_sma3nz_amean"), feature_words("slopeV0-500_sma3nz_amean")
    ('pitch, mean', 'slope 0-500 Hz (voiced), mean')
    """
    parts = re.fullmatch(r"(.+)_sma3(?:nz)?_(.+)", name)
    if not parts:
        return _WHOLE.get(name, name)
    curve, functional = parts.groups()
    where = ""
    voicing = re.match(r"(alphaRatio|hammarbergIndex|slope|spectralFlux|mfcc\d)(U?V)", curve)
    if voicing:
        where = " (voiced)" if voicing[2] == "V" else " (unvoiced)"
        curve = curve.replace(voicing[2], "", 1)
    formant = re.fullmatch(r"(F\d)(frequency|bandwidth|amplitude)(?:LogRelF0)?", curve)
    curve = f"{formant[1]} {formant[2]}" if formant else _CURVES.get(curve, curve.replace("mfcc", "MFCC "))
    return f"{curve}{where}, {_FUNCTIONALS.get(functional, functional)}"


def shap_values(model, X, label, background=None):
    """How much each feature of each utterance pushed the score of `label` up or down (SHAP values).

    The values of one utterance add up to its score minus the mean score over the background. For a linear model the
    value is weight × (feature - its mean in the background). Raises EvaluationError if the model is of another kind, or
    does not know the label. Lesson 07. Computed by the library shap: Lundberg and Lee, "A unified approach to
    interpreting model predictions", NeurIPS 2017, arXiv:1705.07874.

    Parameters
    ----------
    model : fitted scikit-learn classifier, or a Pipeline that ends in one
        A linear model (``LogisticRegression``, ``LinearSVC``) or trees (``XGBClassifier`` in ``models.LabelEncoded``,
        ``RandomForestClassifier``). Scalers before it must keep the columns.
    X : DataFrame (utterances, features)
    label : str
        One of the model's classes.
    background : DataFrame, optional
        What a linear model is compared with: the training set, by default `X`. Trees contain theirs.

    Returns
    -------
    DataFrame like `X`
        In units of the model's score before any softmax or sigmoid (log-odds); for a random forest, probability.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"pitch": [0.0, 1.0, 2.0, 3.0], "noise": [1.0, 0.0, 1.0, 0.0]})
    >>> model = LogisticRegression().fit(X, ["calm", "calm", "angry", "angry"])
    >>> np.allclose(shap_values(model, X, "calm").pitch, model.coef_[0, 0] * (X.pitch - 1.5))
    True
    """
    check_is_fitted(model)
    column = column_of(model, None, label)
    final = model[-1] if isinstance(model, Pipeline) else model
    final = final.estimator_ if isinstance(final, LabelEncoded) else final
    scaled, background = _scaled(model, X), _scaled(model, X if background is None else background)
    if scaled.shape != X.shape:
        raise EvaluationError(
            f"The pipeline turns {X.shape[1]} features into {scaled.shape[1]}: SHAP needs the same ones."
        )
    values = _explained(final, scaled, background)
    if values.ndim == 3:
        values = values[:, :, column]
    elif column == 0:
        values = -values  # with two classes, shap explains the second
    return pd.DataFrame(values, index=X.index, columns=X.columns)


def _scaled(model, X):
    """`X` as the last step of the model gets it."""
    if isinstance(model, Pipeline) and len(model) > 1:
        X = model[:-1].transform(X)
    return np.asarray(X, dtype=float)


def _explained(model, X, background):
    """SHAP values (utterances, features), with one more axis for classes where there are more than two."""
    import shap

    if hasattr(model, "coef_") and len(model.coef_) in (1, len(model.classes_)):
        masker = shap.maskers.Independent(background, max_samples=len(background))
        return np.asarray(shap.LinearExplainer(model, masker).shap_values(X))
    if hasattr(model, "tree_") or hasattr(model, "estimators_") or hasattr(model, "get_booster"):
        return np.asarray(shap.TreeExplainer(model).shap_values(X))
    raise EvaluationError(
        f"SHAP is computed for linear models and for trees, not for {type(model).__name__}: try LogisticRegression."
    )


def band_occlusion(model, example, label=None, bands=4, segments=6, samples=500, off=0.2, fill=None, seed=0):
    """How much each group of mel bands, in each stretch of time, raises the probability of `label`.

    Cells of `bands` × `segments` are switched off at random, one in five each time; a ridge regression then predicts
    the model's probability from what was on. Works with every model that gives probabilities. A simple form of EmoLIME
    (Hjuler, Clemmensen and Das, ICASSP 2025, arXiv:2504.05368), which switches frequency bands of the sound off and
    weights each sample by its similarity to the whole. Raises EvaluationError if the model gives no probabilities or
    does not know the label, or the spectrogram has fewer frames or bands than parts. Lesson 07.

    Parameters
    ----------
    model : fitted scikit-learn classifier
        Trained on a Series of log-mel spectrograms.
    example : array (frames, mel bands)
        One log-mel spectrogram, as the model was trained on.
    label : str, optional
        By default the label that the model predicts.
    bands, segments : int
        Number of groups of mel bands, and of stretches of time.
    samples : int
        How often cells are switched off.
    off : float
        Share of the cells that are switched off each time.
    fill : number, optional
        The value of a cell that is off; by default each band's mean over this recording.
    seed : int
        Decides which cells are off.

    Returns
    -------
    DataFrame (segments, bands)
        Change of the probability, in points from -1 to 1, when the cell is switched on; rows and columns are named by
        their first frame and first mel band. ``.attrs["r2"]`` is the R² of the regression: trust nothing below 0.5.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> levels = pd.Series([np.eye(8), np.ones((8, 8))] * 4)
    >>> flat = FunctionTransformer(lambda X: np.array([levels.ravel() for levels in X]))
    >>> model = make_pipeline(flat, LogisticRegression()).fit(levels, ["sad", "happy"] * 4)
    >>> band_occlusion(model, levels[1], bands=2, segments=2, samples=50, fill=0.0).shape
    (2, 2)
    """
    example = np.asarray(example)
    if example.ndim != 2 or len(example) < segments or example.shape[1] < bands or min(bands, segments) < 1:
        raise EvaluationError(
            f"An example of the shape {example.shape} cannot be cut into {segments} segments × {bands} bands."
        )
    if not hasattr(model, "predict_proba"):
        raise EvaluationError(f"{type(model).__name__} gives no probabilities: choose a model with predict_proba.")
    column = column_of(model, one_row(example), label)
    rows = np.linspace(0, example.shape[0], segments + 1).astype(int)
    columns = np.linspace(0, example.shape[1], bands + 1).astype(int)
    on = np.random.default_rng(seed).random((samples, segments, bands)) >= off
    mask = on.repeat(np.diff(rows), axis=1).repeat(np.diff(columns), axis=2)  # (samples, frames, mel bands)
    occluded = np.where(mask, example, example.mean(axis=0) if fill is None else fill).astype(example.dtype)
    probability = model.predict_proba(pd.Series(list(occluded)))[:, column]
    cells = on.reshape(samples, -1).astype(float)
    surrogate = Ridge(alpha=1.0).fit(cells, probability)
    table = pd.DataFrame(surrogate.coef_.reshape(segments, bands))
    table.index, table.columns = pd.Index(rows[:-1], name="frame"), pd.Index(columns[:-1], name="mel band")
    table.attrs["r2"] = float(surrogate.score(cells, probability))
    return table


def sanity(explanation, model, example, seeds=range(5), **kw):
    """Does an explanation depend on what the network has learnt? Its rank correlation with that of shuffled weights.

    Every array of weights is shuffled, the explanation computed again, and the weights are restored. The result is
    Spearman's correlation, a Series by seed: near 1, the explanation only describes the input; 0 where it is constant.
    Raises EvaluationError if the model has no fitted network. Lesson 07. After Adebayo et al., "Sanity checks for
    saliency maps", NeurIPS 2018, arXiv:1810.03292.

    Parameters
    ----------
    explanation : callable
        ``explanation(model, example, **kw)`` returns an array, such as ``explain.grad_cam``.
    model, example
        As in `explain.network_input`.
    seeds : iterable of int
        One shuffling for each.
    **kw
        For the explanation. A `label` it could take is fixed to what the model predicts with its own weights.
    """
    network = classifier_and_input(model, example)[0].model_
    if "label" in inspect.signature(explanation).parameters and kw.get("label") is None:
        kw["label"] = model.predict(one_row(example))[0]
    original = np.ravel(explanation(model, example, **kw))
    learnt = network.get_weights()
    correlations = {}
    try:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            network.set_weights([rng.permutation(array.ravel()).reshape(array.shape) for array in learnt])
            shuffled = np.ravel(explanation(model, example, **kw))
            varies = np.ptp(original) > 0 and np.ptp(shuffled) > 0
            correlations[seed] = float(spearmanr(original, shuffled).statistic) if varies else 0.0
    finally:
        network.set_weights(learnt)
    return pd.Series(correlations, name="rank correlation").rename_axis("seed")
