"""Valence, arousal and dominance of a sentence: a small regression on its voice and its words."""

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ser_helpers import corpora, features, paths
from ser_helpers.cache import cached, version
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.features.audioset import patchdct
from ser_helpers.features.text import lexicon

_CODE = (__name__, "ser_helpers.corpora.datasets.synthetic", "ser_helpers.synthesis.conversations")
SCALE = (1.0, 5.0)
LABEL = "model of dimensions, trained on synthetic speech"


class DimensionModel:
    """Ridge regression on 128 numbers of the voice (`patchdct`) and four of the words (`lexicon`), from 1 to 5.

    The voice tells arousal and dominance, the words tell most of the valence. Its numbers are all in `weights`.

    Parameters
    ----------
    weights : dict of arrays
        ``mean`` and ``scale`` (132,), ``coefficients`` (3, 132), ``intercepts`` (3,).
    label : str
        What reports call it.

    Used in Lesson 11.
    """

    def __init__(self, weights, label="model of dimensions"):
        self.weights, self.label = weights, label

    @classmethod
    def fit(cls, table):
        """The model of an utterance table with texts and rated dimensions."""
        with threadpool_limits(1):
            voices = features.extract(table, "patchdct", jobs=1, progress=False)
            X = np.hstack([voices, _words(table["text"])])
            scaler = StandardScaler().fit(X)
            ridge = RidgeCV(np.logspace(0, 4, 9)).fit(scaler.transform(X), table[list(DIMENSIONS)])
        return cls(
            {
                "mean": scaler.mean_,
                "scale": scaler.scale_,
                "coefficients": ridge.coef_,
                "intercepts": ridge.intercept_,
            }
        )

    def predict(self, voices, texts):
        """Valence, arousal and dominance (n, 3) of sentences: `voices` are 16 kHz samples, `texts` str or None."""
        weights = self.weights
        sound = np.array([patchdct(voice, 16000) for voice in voices])
        X = (np.hstack([sound, _words(texts)]) - weights["mean"]) / weights["scale"]
        return np.clip((X[:, None] * weights["coefficients"]).sum(axis=2) + weights["intercepts"], *SCALE)


def dimension_model():
    """The course's model of valence, arousal and dominance: fitted once on the embedded conversations, then kept.

    Unseen embedded speakers: CCC of about .3 for valence, .7 for arousal and .4 for dominance. It knows no real voices.

    Examples
    --------
    Lesson 11.

    >>> loud, quiet = np.random.default_rng(0).normal(size=(2, 16000)) * [[0.5], [0.005]]
    >>> louder, calmer = dimension_model().predict([loud, quiet], ["Yes!", "Yes."])[:, 1]
    >>> bool(louder > calmer)
    True
    """
    path = paths.cache_home() / "checkpoints" / f"dimensions-{version(*_CODE)}.npz"
    return DimensionModel(cached(path, _make, _read), LABEL)


def _make(path):
    np.savez(path, **DimensionModel.fit(corpora.load("synthetic-iemocap")).weights)


def _read(path):
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _words(texts):
    """The lexicon's scores (n, 4); no words are neutral words."""
    return lexicon(pd.Series(list(texts), dtype=object)).fillna({"neutral": 1.0}).fillna(0.0).to_numpy()
