"""Checkers of lesson 10: joining modalities, a vote, its weight, cross-attention."""

import numpy as np
import pandas as pd

from ser_helpers.course.checks import Hint, as_array, exercise, expect


@exercise("10.1")
def side_by_side(answer):
    """Rows joined by the names of utterances; columns of two levels."""
    A = pd.DataFrame({"pitch": [1.0, 2.0, 3.0, 4.0], "level": [5.0, 6.0, 7.0, 8.0]}, index=["a", "b", "c", "d"])
    T = pd.DataFrame({"valence": [40.0, 30.0, 10.0, 50.0]}, index=["d", "c", "a", "e"])
    found = answer(A, T)
    if not isinstance(found, pd.DataFrame):
        raise Hint("Keep a table: an array has lost the names of the utterances, and any way to check the join.")
    if found.columns.nlevels != 2:
        raise Hint("The columns need two levels, (modality, feature): pd.concat of a dict gives them.")
    names = [str(name) for name in found.index]
    if set(names) == set("abcde") or found.isna().to_numpy().any():
        raise Hint("Some rows lack one side and contain NaN: keep utterances that are in both tables, join='inner'.")
    single = next((name for name in names if name in "be"), None)
    if single:
        raise Hint(f"Utterance {single!r} is in one table only, yet it has both sides: join by name, not by position.")
    if sorted(names) != list("acd"):
        raise Hint(f"Your rows are {', '.join(names)}; both tables contain a, c and d: join them by name.")
    if list(found.columns.unique(0)) != ["audio", "text"]:
        raise Hint("Name the two modalities 'audio' and 'text', in this order.")
    found = found.loc[list("acd")].to_numpy(dtype=float)
    expect(found[:, :2], A.loc[list("acd")], "An utterance has the voice of another: let pandas join by index.")
    expect(found[:, 2], [10, 30, 40], "An utterance has the words of another: the tables differ in order.")


@exercise("10.2")
def vote(answer):
    """The mean of two branches; if one is missing, the other alone."""
    voice = np.array([[0.6, 0.3, 0.1], [np.nan] * 3, [0.2, 0.2, 0.6]])
    words = np.array([[0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [np.nan] * 3])
    found = as_array(answer(voice, words), (3, 3), "3 utterances with 3 labels keep their 3 × 3 probabilities.")
    if np.isnan(found).any():
        raise Hint("NaN plus anything is NaN, so a missing branch silences the vote: see np.nanmean.")
    expect(
        found[0],
        [0.4, 0.5, 0.1],
        "In the first row both branches speak, so it must be their mean: divide the sum by 2.",
        (voice[0], "In the first row both branches must count; yours is the voice alone."),
    )
    expect(
        found[1:],
        [words[1], voice[2]],
        "If one branch is missing, the probabilities of the other must not change: it decides alone.",
        ([words[1] / 2, voice[2] / 2], "Rows with one branch add up to 0.5: a missing branch does not vote 0."),
    )


@exercise("10.3")
def choose_weight(answer):
    """The weight of the voice that is right most often on the training utterances."""
    names = [f"u{number:02}" for number in range(40)]
    train, test = names[:10], names[10:]
    truth = pd.Series(["happy", "sad"] * 20, names)

    def probabilities(right):
        happy = np.where((truth == "happy") == [name in right for name in names], 0.9, 0.1)
        return pd.DataFrame({"happy": happy, "sad": 1 - happy}, names)

    good, bad = probabilities(train[:8]), probabilities(test)  # in training; in the test it is the other way round
    for voice, words in ((good, bad), (bad, good)):
        weight = as_array(answer(voice, words, truth, train, test), (), "Return one number, the weight.")
        if not 0 <= weight <= 1:
            raise Hint(f"A weight is between 0 and 1, and yours is {weight:.2f}.")
        if weight == 0.5:
            raise Hint("Half and half is no choice: try weights from 0 to 1 and keep the best on the training rows.")
        if voice is bad and weight == 0.8:
            raise Hint("0.8 is the best score, the share of correct answers; return the weight that reaches it.")
        if (weight > 0.5) != (voice is good):
            raise Hint(f"A weight of {weight:.2f} fits the test utterances: choose it on the rows in `train` only.")


def _attend(Q, K, V, mask, scale=True, axis=-1, hide="before"):
    """Attention, with the options that make the typical mistakes."""
    scores = Q @ K.T / (np.sqrt(Q.shape[1]) if scale else 1)
    scores = np.where(mask, scores, -1e9) if hide == "before" else scores
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    weights = powers / powers.sum(axis=axis, keepdims=True)
    return (weights * mask if hide == "after" else weights) @ V


@exercise("10.4")
def cross_attention(answer):
    """For each query, the weighted sum of the values whose mask is True."""
    rng = np.random.default_rng(0)
    Q, K, V = (rng.normal(size=shape) for shape in ((3, 4), (6, 4), (6, 5)))
    inputs = Q, K, V, np.array([True, True, True, True, False, False])
    found = as_array(
        answer(*inputs),
        (3, 5),
        "Words are the queries: 3 words and values of length 5 give 3 rows of 5.",
        ((3, 6), "These are the weights; the output is weights @ V."),
    )
    words = "The weights of each *word* must add up to 1: the softmax runs over the frames, axis=1."
    if np.isnan(found).any():  # 0 / 0 in the column of a hidden frame
        raise Hint(f"Your output contains NaN. {words}")
    mistakes = [
        ({"axis": 0}, words),
        ({"hide": "never"}, "Frames whose mask is False have weight: set their scores to -inf before the softmax."),
        ({"hide": "after"}, "The weights no longer add up to 1: hide frames before the softmax, not after it."),
        ({"scale": False}, "Divide the scores by the root of the length of a query, here 2: np.sqrt(Q.shape[1])."),
    ]
    expect(
        found,
        _attend(*inputs),
        "Scores Q @ K.T / √length, -inf where the mask is False, softmax over frames, then weights @ V.",
        *((_attend(*inputs, **options), hint) for options, hint in mistakes),
    )
