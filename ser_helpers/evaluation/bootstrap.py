"""Intervals by resampling speakers: another corpus would have other people, not only other sentences.

Utterances of one person are alike, so resampling single utterances would give intervals that are too narrow. With fewer
than about ten speakers the intervals are rough. Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 13.
"""

import numpy as np
import pandas as pd
from scipy import stats

RESAMPLES = 1000


def draw(speakers, n=RESAMPLES, seed=0):
    """Draw as many speakers as there are, with replacement, `n` times. Lesson 04.

    Returns the speaker number of each utterance, shape (utterances,), and how often each draw holds each speaker,
    shape (n, speakers).

    >>> codes, weights = draw(["anna", "ben", "anna"], n=4)
    >>> codes.tolist(), weights.shape, weights.sum(axis=1).tolist()
    ([0, 1, 0], (4, 2), [2, 2, 2, 2])
    """
    codes, names = pd.factorize(np.asarray(speakers, dtype=object), sort=True)
    return codes, np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=n)


def recalls(truth, predicted, labels, codes, weights):
    """Recall of each label in each draw, shape (draws, labels); NaN if a draw lacks the label. Lesson 04.

    >>> codes, weights = np.array([0, 1]), np.array([[2, 0], [1, 1]])
    >>> recalls(["sad", "sad"], ["sad", "happy"], ["sad"], codes, weights).ravel().tolist()
    [1.0, 0.5]
    """
    truth, predicted = np.asarray(truth, dtype=object), np.asarray(predicted, dtype=object)
    found, total = np.zeros((2, weights.shape[1], len(labels)))
    column = pd.Index(labels).get_indexer(truth)
    np.add.at(total, (codes, column), 1)
    np.add.at(found, (codes, column), truth == predicted)
    with np.errstate(invalid="ignore"):
        return (weights @ found) / (weights @ total)


def cccs(truth, predicted, codes, weights):
    """CCC in each draw, shape (draws,); NaN where undefined."""
    truth, predicted = np.asarray(truth, dtype=float), np.asarray(predicted, dtype=float)
    t, p = truth - truth.mean(), predicted - truth.mean()
    n, *sums = (weights @ np.bincount(codes, v, weights.shape[1]) for v in (np.ones_like(t), t, p, t * t, p * p, t * p))
    t, p, tt, pp, tp = (total / n for total in sums)
    with np.errstate(invalid="ignore"):
        return 2 * (tp - t * p) / (tt - t * t + pp - p * p + (t - p) ** 2)


def interval(draws):
    """The middle 95 % of the draws along the first axis: low and high. Lesson 04."""
    return tuple(np.nanpercentile(draws, [2.5, 97.5], axis=0))


def student_interval(values):
    """Mean of some values and the ends of its 95 % interval after Student; the ends are NaN for a single value.

    Over seeds it shows how far chance in folds and training moves the mean. It says nothing about other speakers,
    because all seeds share the same recordings.
    """
    values = pd.Series(values, dtype=float)
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem()
    return values.mean(), values.mean() - half, values.mean() + half
