"""Wrong answers to the exercises of lesson 10."""

import numpy as np
import pandas as pd


def _joined(A, T):
    return pd.concat({"audio": A, "text": T}, axis=1, join="inner")


def _by_position(A, T):
    return pd.concat({"audio": A.reset_index(drop=True), "text": T.reset_index(drop=True)}, axis=1).set_index(A.index)


def _reversed(part):
    """The values of a modality in reverse order, under the right names."""

    def answer(A, T):
        table = _joined(A, T)
        table[part] = table[part].to_numpy()[::-1]
        return table

    return answer


def _chosen(rows_of, result=lambda weight, score: weight):
    """Choose the weight on some rows."""

    def answer(voice, words, truth, train, test):
        rows = rows_of(train, test)
        mixed = {w: w * voice.loc[rows] + (1 - w) * words.loc[rows] for w in np.linspace(0, 1, 11)}
        scores = {w: (table.idxmax(axis=1) == truth.loc[rows]).mean() for w, table in mixed.items()}
        best = max(scores, key=scores.get)
        return result(best, scores[best])

    return answer


def _attended(Q, K, V, mask, scale=True, axis=-1, hide="before", hidden=-1e9):
    scores = Q @ K.T / (np.sqrt(Q.shape[1]) if scale else 1)
    scores = np.where(mask, scores, hidden) if hide == "before" else scores
    with np.errstate(invalid="ignore"):
        powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    weights = powers / powers.sum(axis=axis, keepdims=True)
    return (weights * mask if hide == "after" else weights) @ V


WRONG = {
    "10.1": [
        _by_position,
        lambda A, T: np.hstack([A, T]),
        lambda A, T: pd.concat({"audio": A, "text": T}, axis=1),
        lambda A, T: A.join(T, how="inner"),
        lambda A, T: _joined(A, T)[["text", "audio"]],
        lambda A, T: _joined(A, T)[:2],
        _reversed("audio"),
        _reversed("text"),
    ],
    "10.2": [
        lambda voice, words: (voice + words) / 2,
        lambda voice, words: (np.nan_to_num(voice) + np.nan_to_num(words)) / 2,
        lambda voice, words: (np.nan_to_num(voice, nan=1 / 3) + np.nan_to_num(words, nan=1 / 3)) / 2,
        lambda voice, words: np.where(np.isnan(voice), words, voice),
        lambda voice, words: np.nansum([voice, words], axis=0),
        lambda voice, words: np.nanmean([voice, words], axis=0).argmax(axis=1),
    ],
    "10.3": [
        _chosen(lambda train, test: test),
        _chosen(lambda train, test: train, result=lambda weight, score: score),
        _chosen(lambda train, test: train, result=lambda weight, score: 10 * weight - 1),
        lambda voice, words, truth, train, test: 0.5,
    ],
    "10.4": [
        lambda *inputs: _attended(*inputs, scale=False),
        lambda *inputs: _attended(*inputs, axis=0),
        lambda *inputs: _attended(*inputs, axis=0, hidden=-np.inf),
        lambda *inputs: _attended(*inputs, hide="never"),
        lambda *inputs: _attended(*inputs, hide="after"),
        lambda Q, K, V, mask: _attended(Q, K, np.eye(len(K)), mask),
        lambda Q, K, V, mask: _attended(K, Q, Q, np.ones(len(Q))),
        lambda Q, K, V, mask: 2 * _attended(Q, K, V, mask),
    ],
}
