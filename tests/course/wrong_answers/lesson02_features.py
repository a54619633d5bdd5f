"""Wrong answers to the exercises of lesson 02."""

import numpy as np
import pandas as pd


def _by_position(values, table):
    neutral = (table.emotion == "neutral").to_numpy()
    means = values[neutral].groupby(table.speaker.to_numpy()[neutral]).mean()
    return values - table.speaker.map(means).to_numpy()


def _ratio(values, table):
    return values / table.speaker.map(values[table.emotion == "neutral"].groupby(table.speaker).mean())


WRONG = {
    "02.1": [
        lambda frames: frames.mean(axis=1),
        lambda frames: np.concatenate([frames.mean(axis=0), frames.std(axis=0)]),
        lambda frames: np.concatenate([frames.std(axis=1), frames.mean(axis=1)]),
        lambda frames: np.concatenate([frames.mean(axis=1), frames.var(axis=1)]),
        lambda frames: np.array([frames.mean(axis=1), frames.std(axis=1)]),
        lambda frames: np.concatenate([frames.mean(axis=1), frames.max(axis=1)]),
        lambda frames: frames.mean(),
    ],
    "02.2": [
        lambda f0: f0.mean(),
        lambda f0: np.median(f0[f0 > 0]),
        lambda f0: f0[f0 > 0].mean() if f0.any() else 0.0,
        lambda f0: f0[f0 > 100].mean(),
    ],
    "02.3": [
        lambda curve: curve.mean(),
        lambda curve: curve[-1],
        lambda curve: curve[0] - curve[-1],
        lambda curve: np.diff(curve),
        lambda curve: np.argmax(curve) / len(curve),
    ],
    "02.4": [
        lambda values, table: values - values[table.emotion == "neutral"].mean(),
        lambda values, table: values - table.speaker.map(values.groupby(table.speaker).mean()),
        _by_position,
        _ratio,
        lambda values, table: values,
        lambda values, table: pd.Series([1.0, 2.0]),
    ],
}
