"""Metrics as pure functions of truth and prediction.

Recall of a class that never occurs in the truth does not exist, so such a class is left out of UAR rather than counted
as zero; predicting it still costs recall elsewhere. scikit-learn's ``balanced_accuracy_score`` does the same.
"""

import re

import numpy as np
import pandas as pd

from ser_helpers.corpora.labels import label_order
from ser_helpers.errors import EvaluationError


def accuracy(truth, predicted):
    """Share of utterances labelled correctly, 0 to 1; flatters a model that knows the most frequent class. Lesson 04.

    >>> accuracy(["sad", "sad", "happy", "sad"], ["sad", "sad", "sad", "sad"])
    0.75
    """
    truth, predicted = _labels(truth, predicted)
    return float(np.mean(truth == predicted))


def uar(truth, predicted):
    """Unweighted average recall: the mean over classes of the share found, 0 to 1; chance is 1 / classes. Lesson 04.

    The measure of the Interspeech emotion challenges since Schuller, Steidl and Batliner (2009), because emotions are
    rarely equally frequent. Raises EvaluationError if the two differ in length, are empty or have missing labels.

    >>> uar(["sad", "sad", "happy", "sad"], ["sad", "sad", "sad", "sad"])
    0.5
    """
    truth, predicted = _labels(truth, predicted)
    return float(np.mean([np.mean(predicted[truth == label] == label) for label in np.unique(truth)]))


def per_class_recall(truth, predicted, labels=None):
    """Recall of each class as a Series in label order; NaN for a class of `labels` that the truth lacks. Lesson 04.

    >>> per_class_recall(["sad", "sad", "happy"], ["sad", "happy", "happy"]).to_dict()
    {'happy': 1.0, 'sad': 0.5}
    """
    counts = confusion(truth, predicted, labels)
    return pd.Series(np.diag(counts) / counts.sum(axis=1).replace(0, np.nan), counts.index, name="recall")


def confusion(truth, predicted, labels=None, normalise=False):
    """Confusion matrix as a DataFrame: rows are the truth, columns the prediction, both in label order. Lesson 04.

    `normalise=True` divides each row by its sum: the diagonal is then the recalls (a row without utterances is NaN).
    `labels` defaults to the labels of truth and prediction; a label outside `labels` raises EvaluationError.

    >>> confusion(["sad", "sad", "happy"], ["sad", "happy", "happy"]).to_numpy().tolist()
    [[1, 0], [1, 1]]
    """
    truth, predicted = _labels(truth, predicted)
    present = label_order([*truth, *predicted])
    labels = present if labels is None else list(labels)
    unknown = [label for label in present if label not in labels]
    if unknown:
        raise EvaluationError(f"The labels {unknown} occur in the data but not in labels={labels}: add them there.")
    position = {label: k for k, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, ([position[label] for label in truth], [position[label] for label in predicted]), 1)
    table = pd.DataFrame(counts, pd.Index(labels, name="truth"), pd.Index(labels, name="predicted"))
    return table.div(table.sum(axis=1).replace(0, np.nan), axis=0) if normalise else table


def weighted_f1(truth, predicted):
    """F1 of each class, averaged with the class's share of the truth as its weight, 0 to 1. Lesson 04.

    >>> round(weighted_f1(["sad", "sad", "happy"], ["sad", "happy", "happy"]), 3)
    0.667
    """
    counts = confusion(truth, predicted)
    n_truth, n_predicted = counts.sum(axis=1).to_numpy(), counts.sum(axis=0).to_numpy()
    f1 = 2 * np.diag(counts) / (n_truth + n_predicted)
    return float(np.average(f1, weights=n_truth))


def ccc(truth, predicted):
    """Lin's concordance correlation coefficient, -1 to 1: correlation that also punishes a wrong scale.

    ``2 cov / (var(truth) + var(predicted) + (mean(truth) - mean(predicted))²)``, all with *population* moments
    (divided by n); NaN where undefined: two equal constants, or a single value. Lin (1989), doi:10.2307/2532051.

    A popular version takes the covariance as a mean (divided by n) but the variances from a library that divides by
    n - 1, as ``torch.var`` and ``pandas`` do. A perfect prediction then scores (n - 1) / n, worst in small batches:

    >>> truth = np.array([0.0, 1.0, 2.0])
    >>> cov = np.mean((truth - truth.mean()) ** 2)
    >>> wrong = 2 * cov / (truth.var(ddof=1) + truth.var(ddof=1))
    >>> round(float(wrong), 3), ccc(truth, truth)
    (0.667, 1.0)
    """
    truth, predicted = _numbers(truth, predicted)
    if len(truth) == 1 or np.ptp([truth, predicted]) == 0:
        return float("nan")
    t, p = truth - truth.mean(), predicted - predicted.mean()
    scale = np.mean(t**2) + np.mean(p**2) + (truth.mean() - predicted.mean()) ** 2
    return float(2 * np.mean(t * p) / scale)


def mse(truth, predicted):
    """Mean squared error, in the square of the target's unit.

    >>> mse([0, 1], [0, 3])
    2.0
    """
    truth, predicted = _numbers(truth, predicted)
    return float(np.mean((truth - predicted) ** 2))


def mae(truth, predicted):
    """Mean absolute error, in the target's unit.

    >>> mae([0, 1], [0, 3])
    1.0
    """
    truth, predicted = _numbers(truth, predicted)
    return float(np.mean(np.abs(truth - predicted)))


def word_error_rate(spoken, recognised):
    """Word errors of a speech recogniser per spoken word: 0 is perfect, and over 1 is possible. Lesson 10.

    The smallest number of words to replace, delete or insert that makes the recognised text the spoken one (Levenshtein
    distance), summed over all utterances and divided by the number of spoken words. Capitals and punctuation do not
    count. `spoken` and `recognised` are lists or Series of str in the same order. Raises EvaluationError if they differ
    in length or no word was spoken. The same as jiwer's ``wer`` of such texts.

    >>> word_error_rate(["We won, let's celebrate!"], ["we want let's celebrate"])
    0.25
    """
    if len(spoken) != len(recognised):
        raise EvaluationError(f"{len(recognised)} recognised texts for {len(spoken)} spoken ones: give one for each.")
    pairs = [(_words(truth), _words(text)) for truth, text in zip(spoken, recognised, strict=True)]
    total = sum(len(truth) for truth, _ in pairs)
    if not total:
        raise EvaluationError("No word was spoken: there is no word error rate.")
    return sum(_edits(*pair) for pair in pairs) / total


def _words(text):
    return re.findall(r"\w+(?:'\w+)*", text.lower().replace("’", "'"))


def _edits(truth, text):
    """Levenshtein distance, row by row of its table: `row[j]` turns the first words of `truth` into `text[:j]`."""
    row = list(range(len(text) + 1))
    for i, word in enumerate(truth, 1):
        previous, row = row, [i]
        for j, other in enumerate(text, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (word != other)))
    return row[-1]


def _labels(truth, predicted):
    truth, predicted = np.asarray(truth, dtype=object), np.asarray(predicted, dtype=object)
    _same_length(truth, predicted)
    for name, values in (("truth", truth), ("prediction", predicted)):
        missing = int(pd.isna(values).sum())
        if missing:
            raise EvaluationError(f"The {name} has {missing} missing label(s): leave those utterances out first.")
    if len({isinstance(value, str) for value in (*truth, *predicted)}) > 1:
        raise EvaluationError("Truth and prediction mix words and numbers: give both as the same kind of label.")
    return truth, predicted


def _numbers(truth, predicted):
    try:
        truth, predicted = np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float)
    except (TypeError, ValueError) as error:
        raise EvaluationError("CCC, MSE and MAE compare numbers, and these are not: did you mean uar?") from error
    _same_length(truth, predicted)
    for name, values in (("truth", truth), ("prediction", predicted)):
        bad = int((~np.isfinite(values)).sum())
        if bad:
            raise EvaluationError(f"The {name} has {bad} value(s) that are NaN or infinite: leave them out first.")
    return truth, predicted


def _same_length(truth, predicted):
    if truth.ndim != 1 or predicted.ndim != 1:
        raise EvaluationError(
            f"Truth and prediction are lists of one value per utterance, but have shapes {truth.shape} and "
            f"{predicted.shape}: take one column, or argmax for probabilities."
        )
    if len(truth) != len(predicted):
        raise EvaluationError(
            f"Truth has {len(truth)} utterances and prediction {len(predicted)}: join them by utterance first."
        )
    if len(truth) == 0:
        raise EvaluationError("There is no utterance to score: truth and prediction are empty.")
