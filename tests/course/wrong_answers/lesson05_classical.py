"""Wrong answers to the exercises of lesson 05."""

import numpy as np

from ser_helpers import corpora


def _scaled(X, rows, mean_of, deviation_of, factor=1):
    return (X.loc[rows] - X.loc[mean_of].mean()) / (factor * X.loc[deviation_of].std())


def _cut_by_order(table):
    names = sorted(table.index)
    return names[:38], names[38:]


def _shuffled(table):
    test = table.sample(frac=0.2, random_state=0).index
    return table.index.difference(test), test


def _by_speaker(table, speaker="toy-06"):
    return table.index[table.speaker != speaker], table.index[table.speaker == speaker]


def _words(words, model, X):
    return np.array(words)[model.predict_proba(X).argmax(axis=1)]


WRONG = {
    "05.1": [
        lambda d, n: d.argmax(axis=1),
        lambda d, n: (d + n).argmax(axis=1),
        lambda d, n: (d + n / n.sum()).argmax(axis=1),
        lambda d, n: (d * n).argmax(axis=1),
        lambda d, n: (d * np.log(n)).argmax(axis=1),
        lambda d, n: (d - np.log(n)).argmax(axis=1),
        lambda d, n: (d + np.log(n)).argmin(axis=1),
        lambda d, n: (d + np.log(n)).max(axis=1),
        lambda d, n: (d + np.log(n)).argmax(axis=0),
        lambda d, n: d + np.log(n),
        lambda d, n: np.zeros(5),
    ],
    "05.2": [
        lambda X, train, test: (_scaled(X, train, X.index, X.index), _scaled(X, test, X.index, X.index)),
        lambda X, train, test: (_scaled(X, train, train, train), _scaled(X, test, test, test)),
        lambda X, train, test: (_scaled(X, train, train, train), _scaled(X, test, train, test)),
        lambda X, train, test: (_scaled(X, train, train, train, 2), _scaled(X, test, train, train)),
        lambda X, train, test: (_scaled(X, train, test, train), _scaled(X, test, train, train)),
        lambda X, train, test: (_scaled(X, train, train, train), X.loc[test]),
        lambda X, train, test: _scaled(X, train, train, train),
        lambda X, train, test: (X.loc[test], X.loc[train]),
        lambda X, train, test: (X.loc[train], X),
    ],
    "05.3": [
        _cut_by_order,
        _shuffled,
        lambda table: (table.index, _by_speaker(table)[1]),
        lambda table: (_by_speaker(table)[0][:8], _by_speaker(table)[1]),
        lambda table: _by_speaker(table)[::-1],
        lambda table: [np.flatnonzero(table.index.isin(part)) for part in _by_speaker(table)],
        lambda table: [table.loc[part] for part in _by_speaker(table)],
        lambda table: corpora.split(table, "speaker", n_splits=5),
    ],
    "05.4": [
        lambda model, X: _words(corpora.EMOTIONS, model, X),
        lambda model, X: _words(sorted(corpora.EMOTIONS), model, X),
        lambda model, X: _words(["angry", "happy", "neutral"], model, X),
        lambda model, X: model.predict_proba(X).argmax(axis=1),
        lambda model, X: model.classes_[model.predict_proba(X).argmin(axis=1)],
        lambda model, X: model.classes_[model.predict_proba(X).argmax(axis=0)],
        lambda model, X: model.predict_proba(X).max(axis=1),
        lambda model, X: model.predict(X),
        lambda model, X: np.full(3, "sad"),
    ],
}
