"""Checkers of lesson 05: Bayes' rule, scaling without a leak, a fair test set, names of classes."""

import numpy as np
import pandas as pd

from ser_helpers import corpora
from ser_helpers.course.checks import Hint, as_array, as_pair, as_utterances, exercise, expect, speakers_apart


@exercise("05.1")
def bayes(answer):
    """The class with the largest prior times density."""
    d = np.log([[0.002, 0.05, 0.1], [0.3, 0.2, 0.001], [0.002, 0.3, 0.001], [0.3, 0.01, 0.2], [0.01, 0.2, 0.1]])
    n = np.array([20, 100, 10])
    found = as_array(
        answer(d, n),
        (5,),
        "Return one class for each of 5 utterances: compare along axis 1.",
        ((5, 3), "You returned the whole table: take the column of each row's largest value, argmax(axis=1)."),
    )
    if not np.allclose(found % 1, 0):
        raise Hint("These are the largest values; the task asks for their columns: argmax instead of max.")
    mistakes = [
        (d, "You left out the counts: of two equally dense classes, the more frequent one must win."),
        (d - np.log(n), "You subtracted the prior: frequent classes must become more probable, not less."),
        (-d - np.log(n), "These are the least probable classes: argmax instead of argmin."),
        (d + n, "You added the counts themselves; the densities are logarithms, so add log(counts)."),
        (d + n / n.sum(), "You added the share itself; all terms are logarithms, so add log(share)."),
        (d * n, "You multiplied; the densities are logarithms already, and a product becomes a sum."),
        (d * np.log(n), "You multiplied two logarithms: the logarithm of a product is the *sum* of both."),
    ]
    expect(
        found,
        (d + np.log(n)).argmax(axis=1),
        "The densities are logarithms already: log(prior × density) = log(prior) + log(density).",
        *((scores.argmax(axis=1), hint) for scores, hint in mistakes),
    )


@exercise("05.2")
def scale(answer):
    """Scaling by the training rows alone."""
    names = pd.Index([f"toy/{number}" for number in range(6)], name="utterance")
    X = pd.DataFrame({"pitch": [100.0, 110, 130, 120, 300, 340], "level": [0.0, 2, 4, 6, 3, 1]}, names)
    train, test = names[:4], names[4:]
    rows = X.loc[train]
    parts = as_pair(answer(X, train, test), "(scaled training rows, scaled test rows)")
    fitted = as_array(parts[0], (4, 2), "Of the training rows, keep all 4 with both columns.")
    tested = as_array(parts[1], (2, 2), "Of the test rows, keep both with both columns.")
    for ddof in (0, 1):  # scikit-learn divides by n, pandas by n - 1: either will do
        if np.allclose(fitted, (rows - X.mean()) / X.std(ddof=ddof)):
            raise Hint("Mean and deviation still come from all rows: take those of X.loc[train], for both parts.")
    if np.allclose(tested, X.loc[test]):
        raise Hint("The test rows are not scaled, so they are in a different unit from what the model was trained on.")
    if np.allclose(tested.mean(axis=0), 0):
        raise Hint("The test rows are scaled by their own mean: subtract the training mean from them, too.")
    expect(fitted.mean(axis=0), [0, 0], "The training rows must have a mean of 0: subtract their mean.")
    if not any(np.allclose(fitted.std(axis=0, ddof=ddof), 1) for ddof in (0, 1)):
        expect(fitted.std(axis=0), [1, 1], "The training rows must have a deviation of 1: divide by their deviation.")
    if not any(np.allclose(tested, (X.loc[test] - rows.mean()) / rows.std(ddof=ddof)) for ddof in (0, 1)):
        raise Hint("The training rows are right. Use the same mean and deviation for the test rows.")


@exercise("05.3")
def hold_out(answer):
    """Whole speakers in the test set, every emotion on both sides."""
    speakers = np.repeat([f"toy-{number:02}" for number in range(1, 7)], 8)
    names = [f"toy/03-01-0{1 + k % 8}-01-01-01-{speaker[-2:]}" for k, speaker in enumerate(speakers)]
    table = pd.DataFrame({"speaker": speakers, "emotion": [*corpora.EMOTIONS] * 6}, pd.Index(names, name="utterance"))
    train, test = as_utterances(answer(table), table, "(train, test) of one fold")
    if len(train) + len(test) != len(table):
        raise Hint(f"Your sides have {len(train) + len(test)} of {len(table)} utterances: put each on one.")
    unseen = sorted(set(table.emotion[test]) - set(table.emotion[train]))
    if unseen:
        raise Hint(f"The test set contains {' and '.join(unseen)}, the training set does not: do not cut by order.")
    speakers_apart(table, train, test)
    if not 0.1 <= len(test) / len(table) <= 0.4:
        raise Hint(f"Your test set has {len(test)} of {len(table)} utterances; about a fifth would do.")


class _Fitted:
    """A fitted classifier with three labels, in alphabetical order as in scikit-learn."""

    def __init__(self, *labels):
        self.classes_ = np.array(labels)

    def predict_proba(self, X):
        return np.array([[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1]])[: len(X)]

    def predict(self, X):
        raise Hint("`predict` gives the words, but here you are to name the columns of `predict_proba` yourself.")


@exercise("05.4")
def name_classes(answer):
    """Words for probabilities, in the model's own order."""
    X = np.zeros((3, 5))
    expect(
        [str(word) for word in answer(_Fitted("angry", "happy", "neutral"), X)],
        ["neutral", "angry", "happy"],
        "The largest probability of a row decides its emotion: argmax, then `model.classes_`.",
        (["happy", "neutral", "calm"], "Column 0 is not neutral: this model's `classes_` are angry, happy, neutral."),
        (
            ["disgust", "angry", "calm"],
            "That is right for all eight emotions, but this model has three: see its `classes_`.",
        ),
        (["2", "0", "1"], "These are column numbers: look up the words in `model.classes_`."),
        (["0.7", "0.8", "0.6"], "These are the largest probabilities; find their columns (argmax), then the words."),
        (
            ["happy", "neutral", "angry"],
            "You took the best row of each column; take the best column of each row: axis=1.",
        ),
        (["angry", "happy", "neutral"], "These are the least probable words of each row: argmax instead of argmin."),
    )
    expect(
        [str(word) for word in answer(_Fitted("negative", "neutral", "positive"), X)],
        ["positive", "negative", "neutral"],
        "That is right for one model, but wrong for one with different labels: do not write the words down yourself.",
    )
