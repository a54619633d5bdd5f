"""Valence, arousal and dominance of a sentence: ridge regression on its voice and its words."""

from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ser_helpers import corpora, features, paths
from ser_helpers.cache import cached, version
from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.features.audioset import patchdct
from ser_helpers.features.text import lexicon

_CODE = (__name__, "ser_helpers.corpora.datasets.synthetic", "ser_helpers.synthesis.conversations")
SCALE = (1.0, 5.0)
SHIPPED = Path(__file__).with_name("sentence_model.skops")
LABEL = "valence-arousal-dominance model, trained on synthetic speech"


class DimensionModel:
    """Ridge regression on 128 features of the voice (`patchdct`) and four of the words (`lexicon`), from 1 to 5.

    `pipeline` is fitted, from (n, 132) to (n, 3); `label` is what reports call it. Used in Lesson 11.
    """

    def __init__(self, pipeline, label="valence-arousal-dominance model"):
        self.pipeline, self.label = pipeline, label

    @classmethod
    def fit(cls, table):
        """The model of an utterance table with texts and rated dimensions."""
        with threadpool_limits(1):  # sums in the same order, so the same model on any number of cores
            X = np.hstack([features.extract(table, "patchdct", jobs=1, progress=False), _words(table["text"])])
            pipeline = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 4, 9)))
            return cls(pipeline.fit(X, table[list(DIMENSIONS)].to_numpy()))

    def predict(self, voices, texts):
        """Valence, arousal and dominance (n, 3) of sentences: `voices` are 16 kHz samples, `texts` str or None."""
        X = np.hstack([np.array([patchdct(voice, 16000) for voice in voices]), _words(texts)])
        # Row by row: in a product of many rows the last bits of one depend on how many there are.
        return np.clip(np.vstack([self.pipeline.predict(row[None]) for row in X]), *SCALE)


def dimension_model():
    """The course's model of valence, arousal and dominance, part of the package: fitted on the embedded conversations.

    On unseen embedded speakers its CCC is about .3 for valence, .7 for arousal and .4 for dominance. It was not trained
    on real voices. Lesson 11.

    >>> loud, quiet = np.random.default_rng(0).normal(size=(2, 16000)) * [[0.5], [0.005]]
    >>> louder, calmer = dimension_model().predict([loud, quiet], ["Yes!", "Yes."])[:, 1]
    >>> bool(louder > calmer)
    True
    """
    path = paths.cache_home() / "checkpoints" / f"dimensions-{version(*_CODE, libraries=['scikit-learn'])}.skops"
    return DimensionModel(cached(path, _make, skops.io.load, shipped=SHIPPED), LABEL)


def _make(path):
    skops.io.dump(DimensionModel.fit(corpora.load("synthetic-iemocap")).pipeline, path)


def _words(texts):
    """The lexicon's scores (n, 4); a sentence without words counts as neutral."""
    return lexicon(pd.Series(list(texts), dtype=object)).fillna({"neutral": 1.0}).fillna(0.0).to_numpy()
