"""Explanations by trying things out: parts of the input switched off, weights shuffled. Use ``evaluation.explain``."""

import inspect

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation.explain_networks import classifier_and_input, column_of, one_row


def band_occlusion(model, example, label=None, bands=4, segments=6, samples=500, off=0.2, fill=None, seed=0):
    """How much each group of mel bands, in each stretch of time, raises the probability of `label`.

    Cells of `bands` × `segments` are switched off at random, one in five each time; a ridge regression then predicts
    the model's probability from what was on. Works with every model that gives probabilities.

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
        What stands in a cell that is off; by default each band's mean over this recording.
    seed : int
        Decides which cells are off.

    Returns
    -------
    DataFrame (segments, bands)
        Change of the probability, in points from -1 to 1, when the cell is switched on; rows and columns are named by
        their first frame and first mel band. ``.attrs["r2"]`` says how well the regression follows the model (1 is
        perfectly): trust nothing below 0.5.

    Raises
    ------
    EvaluationError
        If the model gives no probabilities or does not know the label, or the spectrogram has fewer frames or bands
        than parts.

    Notes
    -----
    A simple form of EmoLIME (Hjuler, Clemmensen and Das, ICASSP 2025, arXiv:2504.05368), which switches frequency bands
    of the sound off and weighs each sample by its likeness to the whole. Lesson 07.
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
    heard = on.repeat(np.diff(rows), axis=1).repeat(np.diff(columns), axis=2)
    steady = example.mean(axis=0) if fill is None else fill
    occluded = np.where(heard, example, steady).astype(example.dtype)
    probability = model.predict_proba(pd.Series(list(occluded)))[:, column]
    cells = on.reshape(samples, -1).astype(float)
    surrogate = Ridge(alpha=1.0).fit(cells, probability)
    table = pd.DataFrame(surrogate.coef_.reshape(segments, bands))
    table.index, table.columns = pd.Index(rows[:-1], name="frame"), pd.Index(columns[:-1], name="mel band")
    table.attrs["r2"] = float(surrogate.score(cells, probability))
    return table


def sanity(explanation, model, example, seeds=range(5), **kw):
    """Does an explanation depend on what the network has learnt? Its rank correlation with that of shuffled weights.

    Every array of weights is shuffled, the explanation asked for again, and the weights are put back. Correlations near
    0 are healthy; near 1, the explanation only describes the input.

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

    Returns
    -------
    Series by seed
        Spearman's correlation; 0 where an explanation is the same everywhere, and so says nothing.

    Raises
    ------
    EvaluationError
        If the model holds no fitted network.

    Notes
    -----
    Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, arXiv:1810.03292. Lesson 07.
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
            correlations[seed] = _rank_correlation(original, np.ravel(explanation(model, example, **kw)))
    finally:
        network.set_weights(learnt)
    return pd.Series(correlations, name="rank correlation").rename_axis("seed")


def _rank_correlation(a, b):
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)
