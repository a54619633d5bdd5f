"""Wrong answers to the exercises of lesson 03."""

import numpy as np

from ser_helpers import corpora

SIDES = {"joy": "positive", "neutral": "neutral", **dict.fromkeys(("anger", "sadness", "fear", "disgust"), "negative")}


def _chance(counts):
    return ((counts.sum(axis=0) / counts.sum()) ** 2).sum()


def _observed(counts):
    n = counts.sum(axis=1)[0]
    return ((counts * (counts - 1)).sum(axis=1) / (n * (n - 1))).mean()


def _kappa(observed, chance):
    return (observed - chance) / (1 - chance)


def _with_self_pairs(counts):
    n = counts.sum(axis=1)[0]
    return _kappa((counts**2).sum(axis=1).mean() / n**2, _chance(counts))


def _three_raters(counts):
    return _kappa((counts * (counts - 1)).sum(axis=1).mean() / 6, _chance(counts))


def _by_speaker(table, chosen):
    tested = table.speaker.isin(chosen)
    return table.index[~tested], table.index[tested]


def _draw(table, n_test, seed):
    return np.random.default_rng(seed).permutation(table.speaker.unique())[:n_test]


WRONG = {
    "03.1": [
        lambda word: "positive" if word == "joy" else "negative",
        lambda word: SIDES.get(word, "neutral"),
        lambda word: SIDES.get(word, "unknown"),
        lambda word: {**SIDES, "fear": "neutral"}.get(word),
        lambda word: word,
    ],
    "03.2": [
        _observed,
        _with_self_pairs,
        lambda counts: _kappa(_observed(counts), 1 / counts.shape[1]),
        _three_raters,
        lambda counts: _observed(counts) - _chance(counts),
        lambda counts: 0.21,
    ],
    "03.3": [
        lambda table, n_test, seed: tuple(corpora.split(table, "random", 1, seed)[0]),
        lambda table, n_test, seed: _by_speaker(table, sorted(table.speaker.unique())[:n_test]),
        lambda table, n_test, seed: _by_speaker(table, _draw(table, n_test, None)),
        lambda table, n_test, seed: _by_speaker(table, _draw(table, n_test, seed))[::-1],
        lambda table, n_test, seed: _by_speaker(table, _draw(table, 1, seed)),
        lambda table, n_test, seed: tuple(part[::2] for part in _by_speaker(table, _draw(table, n_test, seed))),
        lambda table, n_test, seed: (_draw(table, 7, seed)[n_test:], _draw(table, n_test, seed)),
    ],
}
