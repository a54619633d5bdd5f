"""Wrong answers to the exercises of lesson 08."""

import numpy as np


def _pooled(frames, counts, *statistics):
    rows = [row[:count] for row, count in zip(frames, counts, strict=True)]
    return np.array([np.concatenate([statistic(row, axis=0) for statistic in statistics]) for row in rows])


def _deviations_of_zeroed(frames, counts):
    real = np.arange(frames.shape[1])[None, :, None] < counts[:, None, None]
    return np.hstack([_pooled(frames, counts, np.mean), np.where(real, frames, 0).std(axis=1)])


def _softmax(scores):
    return np.exp(scores) / np.exp(scores).sum()


WRONG = {
    "08.1": [
        lambda frames, counts: np.hstack([frames.mean(axis=1), frames.std(axis=1)]),
        _deviations_of_zeroed,
        lambda frames, counts: _pooled(frames, counts, np.mean),
        lambda frames, counts: _pooled(frames, counts, np.std, np.mean),
        lambda frames, counts: _pooled(frames, counts, np.mean, lambda row, axis: row.std(axis=axis, ddof=1)),
        lambda frames, counts: _pooled(frames, counts, np.max, np.std),
        lambda frames, counts: frames.reshape(-1, 2).mean(axis=0),
    ],
    "08.2": [
        lambda layers, scores: scores @ layers,
        lambda layers, scores: (scores / scores.sum()) @ layers,
        lambda layers, scores: layers.mean(axis=0),
        lambda layers, scores: _softmax(scores)[:, None] * layers,
        lambda layers, scores: layers[np.argmax(scores)],
        lambda layers, scores: np.exp(scores) @ layers,
        lambda layers, scores: np.exp(scores) @ layers / len(scores),
        lambda layers, scores: layers @ layers.T,
    ],
    "08.3": [
        lambda x, W, A, B, alpha: x @ W.T,
        lambda x, W, A, B, alpha: x @ (B @ A).T * alpha / len(A),
        lambda x, W, A, B, alpha: x @ (W + B @ A).T,
        lambda x, W, A, B, alpha: x @ (W + alpha * B @ A).T,
        lambda x, W, A, B, alpha: x @ (W + alpha / len(B) * B @ A).T,
        lambda x, W, A, B, alpha: x @ (W + alpha / len(A) * B @ A),
        lambda x, W, A, B, alpha: W + alpha / len(A) * B @ A,
    ],
    "08.4": [
        lambda table, train, test: (train, test),
        lambda table, train, test: (train[::2], train[1::2]),
        lambda table, train, test: (train, train[:6]),
        lambda table, train, test: (train[:0], train),
        lambda table, train, test: (train[:6], train[6:]),
        lambda table, train, test: (table.speaker[train], table.speaker[test]),
        lambda table, train, test: (train[6:18], train[:6]),
        lambda table, train, test: train,
    ],
}
