"""What takes the speaker encoder's place where its weights are not: what its spectrum is like."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from ser_helpers import home
from ser_helpers.cache import cached, version
from ser_helpers.models import speaker_mels
from ser_helpers.synthesis import EMOTIONS, say, sentences
from ser_helpers.synthesis.chance import stream

ACTORS = range(1, 25)
BAND = slice(4, 29)
"""Mel bands from 300 to 3400 Hz: what a telephone leaves."""

WINDOWS = (80, 120, 160)
"""Frames of the training windows."""

SNR = (5, 30)  # dB, least and most
TEXTS = 48


class StandIn:
    """A linear discriminant on the mean and deviation of log-mel bands: the same speaker near, others far. Lesson 13.

    >>> StandIn.ready().vectors([np.ones((160, 40), np.float32)]).shape
    (1, 23)
    """

    def __init__(self, mean, axes):
        self.mean, self.axes = mean, axes

    @classmethod
    def ready(cls):
        """The stand-in learnt from the embedded actors; the first time on a machine that takes a few seconds."""
        path = home.cache_home() / "fits" / f"speakers-{version(__name__)}.npz"
        return cached(path, cls._make, cls._read)

    @classmethod
    def _make(cls, path):
        learnt = cls.fit()
        np.savez(path, mean=learnt.mean, axes=learnt.axes)

    @classmethod
    def _read(cls, path):
        with np.load(path, allow_pickle=False) as kept:
            return cls(kept["mean"], kept["axes"])

    @classmethod
    def fit(cls, actors=ACTORS, jobs=2):
        """Learn which directions tell the actors apart, whatever they feel and say."""
        heard = Parallel(jobs)(delayed(_heard)(actor) for actor in actors)
        X = np.concatenate(heard)
        who = np.repeat(list(actors), [len(rows) for rows in heard])
        lda = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(X, who)
        return cls(X.mean(axis=0), lda.scalings_[:, : len(lda.classes_) - 1])

    def vectors(self, mels):
        """Vectors (windows, 23) of length 1, float32, of mel spectrograms (windows, frames, 40)."""
        projected = (statistics(np.asarray(mels)) - self.mean) @ self.axes
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return (projected / np.maximum(lengths, 1e-12)).astype(np.float32)


def statistics(mels):
    """Mean and deviation over time of the log-mel bands of a telephone, (windows, 50), whatever the level.

    >>> statistics(np.ones((2, 160, 40))).shape
    (2, 50)
    """
    levels = np.log(mels[:, :, BAND] + 1e-3 * mels[:, :, BAND].mean(axis=(1, 2), keepdims=True) + 1e-12)
    levels -= levels.mean(axis=(1, 2), keepdims=True)
    return np.concatenate([levels.mean(axis=1), levels.std(axis=1)], axis=1)


def _heard(actor):
    """Statistics of windows of one actor, each emotion in another sentence, with noise."""
    rows, texts = [], sentences()[:TEXTS]
    for k, emotion in enumerate(EMOTIONS):
        rng = stream("stand-in", actor, emotion)
        y, _ = say(texts[rng.integers(len(texts))], actor, emotion)
        noise = rng.normal(size=len(y)) * np.std(y) * 10 ** (-rng.uniform(*SNR) / 20)
        mels = speaker_mels.mel_frames((y + noise).astype(np.float32))
        size = min(WINDOWS[k % len(WINDOWS)], len(mels))
        rows += [mels[s : s + size] for s in range(0, len(mels) - size + 1, 40)]
    return np.concatenate([statistics(row[None]) for row in rows])
