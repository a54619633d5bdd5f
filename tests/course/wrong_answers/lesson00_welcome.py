"""Wrong answers to the exercises of lesson 00."""

import numpy as np


def _mean_precision(truth, predicted):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return np.mean([np.mean(truth[predicted == label] == label) for label in np.unique(predicted)])


def _recalls(truth, predicted, labels):
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return [np.mean(predicted[truth == label] == label) for label in np.unique(labels)]


def _by_position(right, group):
    shares = right.groupby(group.to_numpy()).mean()
    return shares.max() - shares.min()


WRONG = {
    "00.1": [
        lambda V, W: V.index.intersection(W.index).empty,
        lambda V, W: set(V.speaker) & set(W.speaker),
        lambda V, W: True,
        lambda V, W: not set(V.speaker).isdisjoint(W.speaker),
        lambda V, W: V.speaker.nunique() != W.speaker.nunique(),
    ],
    "00.2": [
        lambda truth, predicted: np.mean(np.asarray(truth) == np.asarray(predicted)),
        _mean_precision,
        lambda truth, predicted: np.mean(_recalls(truth, predicted, labels=predicted)),
        lambda truth, predicted: np.sum(_recalls(truth, predicted, labels=truth)),
        lambda truth, predicted: np.min(_recalls(truth, predicted, labels=truth)),
    ],
    "00.3": [
        lambda right, group: right.groupby(group).mean().min() - right.groupby(group).mean().max(),
        lambda right, group: right.groupby(group).sum().max() - right.groupby(group).sum().min(),
        lambda right, group: abs(right.groupby(group).mean().diff().iloc[1]),
        _by_position,
        lambda right, group: right.groupby(group).mean().max(),
        lambda right, group: right.groupby(group).mean().sum(),
    ],
}
