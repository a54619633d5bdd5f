"""Wrong answers to the exercises of lesson 09."""

import numpy as np
import pandas as pd

from ser_helpers.evaluation import ccc


def _concordance(t, p, covariance, *variances):
    return 2 * covariance / (sum(variances) + (t.mean() - p.mean()) ** 2)


def _sample_moments(t, p):
    return _concordance(t, p, np.cov(t, p)[0, 1], t.var(ddof=1), p.var(ddof=1))


def _covariance(t, p):
    return np.mean((t - t.mean()) * (p - p.mean()))


def _means(table, values, turns, keys=("dialogue", "speaker"), order="turn_end", center=False, shortest=1):
    spoken = table.sort_values(order) if order else table
    groups = values[spoken.index].groupby([spoken[key] for key in keys])
    means = groups.rolling(turns, min_periods=shortest, center=center).mean()
    return means.droplevel(list(range(len(keys))))[values.index]


WRONG = {
    "09.1": [
        lambda x: x,
        lambda x: 2 * (x - x.min()) / (x.max() - x.min()) - 1,
        lambda x: (x - 1) / 4,
        lambda x: (x - 3) / 4,
        lambda x: x / 2 - 1,
        lambda x: (x - x.mean()) / x.std(),
        lambda x: (3 - x) / 2,
    ],
    "09.2": [
        lambda t, p: _concordance(t, p, _covariance(t, p), t.var(ddof=1), p.var(ddof=1)),
        _sample_moments,
        lambda t, p: np.corrcoef(t, p)[0, 1],
        lambda t, p: _concordance(t, p, _covariance(t, p), t.var(), p.var()) / 2,
        lambda t, p: 2 * _covariance(t, p) / (t.var() + p.var()),
        lambda t, p: _concordance(t, p, _covariance(t, p), t.std(), p.std()),
        lambda t, p: _concordance(t, p, np.cov(t, p)[0, 1], t.var(), p.var()),
        lambda t, p: 1 - ccc(t, p),
        lambda t, p: ccc(t, p) ** 2,
        lambda t, p: 2 * ccc(t, p),
    ],
    "09.3": [
        lambda outputs, labels: pd.DataFrame(outputs, columns=["valence", "arousal", "dominance"]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=["arousal", "dominance", "valence"]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=list(labels.values())),
        lambda outputs, labels: pd.DataFrame(outputs, columns=[labels[key] for key in sorted(labels)]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=list(labels)),
        lambda outputs, labels: pd.DataFrame(outputs, columns=[labels[k] for k in range(3)]),
        lambda outputs, labels: pd.DataFrame(outputs, columns=[labels[k] for k in "012"]),
        lambda outputs, labels: outputs,
    ],
    "09.4": [
        lambda table, values, turns: values,
        lambda table, values, turns: values.rolling(turns, min_periods=1).mean(),
        lambda table, values, turns: _means(table, values, turns, keys=["dialogue"]),
        lambda table, values, turns: _means(table, values, turns, keys=["speaker"]),
        lambda table, values, turns: _means(table, values, turns, order=None),
        lambda table, values, turns: _means(table, values, turns, center=True),
        lambda table, values, turns: _means(table, values, turns, shortest=turns),
        lambda table, values, turns: _means(table, values, 3),
        lambda table, values, turns: _means(table, values, 2),
        lambda table, values, turns: _means(table, values, turns).to_numpy(),
    ],
}
