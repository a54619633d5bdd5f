"""From a window of sound to a prediction: what a model must offer, what is predicted, and how long each stage takes.

The live detector and the offline one share every line of this.
"""

import contextlib
import copy
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from ser_helpers import models
from ser_helpers.audio.vad import RATE, VoiceActivityDetector
from ser_helpers.errors import ModelError, StreamError
from ser_helpers.streaming.ring import RingBuffer
from ser_helpers.streaming.samples import between
from ser_helpers.streaming.smoothing import Smoother

SCALE = (-1, 1)
"""Of valence, arousal and dominance."""
UNCERTAIN = "uncertain"
"""What is shown instead of an emotion for a window whose highest probability is below the model's ``threshold_``."""

MAX_MISSING = 0.1
"""No emotion is predicted for a window of which a larger share is missing."""


@runtime_checkable
class WindowModel(Protocol):
    """A fitted classifier or regressor of windows of sound: what detector, podcast, call monitor and service take.

    It has two stages, because their times are reported apart. ``models.WindowClassifier`` is one, and
    ``models.WindowRegressor``, for which no emotion is shown; podcast, calls and service need a classifier, and take a
    regressor of valence and arousal beside it. One with ``classes_`` and ``predict_proba(windows)`` alone is taken too,
    see `as_window_model`. One with a ``normaliser_`` gets features that are normalised by the voice of the stream.
    Lesson 12.
    """

    output_names: Sequence[str]
    """(k,), what each column of the output is: a label of a classifier, a dimension of a regressor."""

    def features(self, windows):
        """Windows (n, samples), float32 at 16 kHz, to n rows of features."""

    def predict_features(self, X):
        """Rows of features to outputs (n, k): the probabilities of a classifier, the values of a regressor."""


def as_window_model(model, classifier=False):
    """`model`, or the one in the file of that path, as a `WindowModel`; ModelError if it is not a fitted one.

    With `classifier`, a regressor is refused too.
    """
    if isinstance(model, str | Path):
        model = models.load(model)
    if getattr(model, "unit", None) == "utterance":
        raise ModelError(
            "This model was trained on whole utterances, and here it would get windows of 3 s: train a model of"
            " windows, with `ser train` or models.WindowClassifier."
        )
    if classifier and getattr(model, "regression", False):
        raise ModelError(
            f"This model predicts {', '.join(model.output_names)}, and here it must predict emotions: train a"
            " classifier, with `ser train` without --target."
        )
    if not isinstance(model, type):
        if isinstance(model, WindowModel) and hasattr(model, "output_names"):  # a property that needs a fitted model
            return model
        if hasattr(model, "classes_") and hasattr(model, "predict_proba"):
            return _PlainClassifier(model)
    raise ModelError(
        f"A detector needs a fitted model (classes_, predict_proba), not {type(model).__name__}: fit it first."
    )


def as_dimension_model(model):
    """`model`, or the one in the file of that path, as a `WindowModel` of valence and arousal, from -1 to 1.

    ModelError if it predicts something else, or on another scale.
    """
    model = as_window_model(model)
    names = [str(name) for name in model.output_names]
    if not {"valence", "arousal"} <= set(names):
        raise ModelError(
            f"This model predicts {', '.join(names)}, and here it must predict valence and arousal: train one with"
            " `ser train --target valence,arousal,dominance`."
        )
    if getattr(model, "scale", SCALE) != SCALE:
        raise ModelError(f"This model predicts from {model.scale[0]:g} to {model.scale[1]:g}: give it scale=(-1, 1).")
    return model


class _PlainClassifier:
    """A classifier with a single stage as a `WindowModel`: its features are the windows themselves."""

    def __init__(self, classifier):
        self.classifier, self.output_names = classifier, np.asarray(classifier.classes_)
        self.label = getattr(classifier, "label", type(classifier).__name__)

    def features(self, windows):
        return windows

    def predict_features(self, X):
        return self.classifier.predict_proba(X)


def batched(model):
    """A copy of `model` that computes all windows of a call together, if it can do either; else `model` itself."""
    if hasattr(model, "batched"):
        model = copy.copy(model)
        model.batched = True
    return model


def predict(model, X):
    """The outputs (n, k) of a `WindowModel`, float64; ModelError if they are not k finite numbers for each window."""
    outputs = np.asarray(model.predict_features(X), float)
    shape = (len(X), len(model.output_names))
    if outputs.shape != shape or not np.isfinite(outputs).all():
        raise ModelError(f"The model must give {shape[1]} finite numbers for each window, not {outputs!r}.")
    return outputs


class WindowPrediction(NamedTuple):
    """What was predicted for one window (Lesson 12)."""

    start: float
    """Seconds from the beginning of the stream."""
    end: float
    """Seconds; the prediction was made when the stream had reached this time."""
    speech: float
    """Share of the window with speech, 0 to 1."""
    probabilities: np.ndarray | None
    """(k,), in the order of the model's outputs (a regressor's numbers); None where there is too little speech or too
    much is missing."""
    smoothed: np.ndarray | None
    """(k,), smoothed over the last windows; None as above."""
    emotion: str | None
    """The emotion to show, after smoothing and hysteresis, or "uncertain"; None as above, and for a regressor."""
    gap: bool
    """Whether a part of the window is missing."""
    dimensions: np.ndarray | None = None
    """(d,), valence, arousal and so on from -1 to 1, smoothed over the last windows; None as above, and without a model
    of them."""


class WindowAnalyser:
    """Turns windows of one stream into predictions: share of speech, probabilities, smoothing.

    The parameters are those of the `Detector`. A `vad` object is reset first, and serves this stream alone.
    """

    def __init__(
        self,
        model,
        window=3.0,
        hop=1.0,
        vad=True,
        min_speech=0.2,
        weight=0.5,
        margin=0.1,
        dimensions=None,
        voice=None,
    ):
        for name, seconds in {"window": window, "hop": hop}.items():
            if not between(seconds, 0.05, 60):
                raise StreamError(f"{name} is a time between 0.05 and 60 seconds, not {seconds!r}.")
        if not between(min_speech, 0, 1):
            raise StreamError(f"min_speech is a share of the window between 0 and 1, not {min_speech!r}.")
        self.model, self.min_speech = as_window_model(model), min_speech
        self.classes_ = np.asarray(self.model.output_names)
        self.window, self.hop = round(window * RATE), round(hop * RATE)
        self.vad = VoiceActivityDetector() if vad is True else vad or None
        if self.vad and not all(hasattr(self.vad, name) for name in ("feed", "reset", "threshold")):
            raise StreamError(f"vad is True, False or an object such as audio.VoiceActivityDetector(), not {vad!r}.")
        if self.vad:
            self.vad.reset()
        self.smoother = Smoother(self.classes_, weight, margin)
        self.dimension_model = None if dimensions is None else as_dimension_model(dimensions)
        self.dimensions_ = () if dimensions is None else tuple(map(str, self.dimension_model.output_names))
        self.dimension_smoother = Smoother(self.dimensions_, weight)
        self.shows_emotion = not getattr(self.model, "regression", False)
        self.threshold = getattr(self.model, "threshold_", 0.0)
        normaliser = getattr(self.model, "normaliser_", None)
        self.voice = (voice or normaliser.voice()) if normaliser else None
        self._count_before = self.voice.count if self.voice else 0
        self.stopwatch = Stopwatch()

    def __call__(self, end, samples, is_speech, missing=0.0):
        """The prediction for the window of `samples` that ends at sample number `end`.

        `is_speech` (frames,) says which frames of the window are speech, `missing` which share of it is missing.
        """
        speech = float(np.mean(is_speech)) if len(is_speech) else float(self.vad is None)
        probabilities = smoothed = emotion = dimensions = None
        if missing > MAX_MISSING:
            self.smoother.reset()
            self.dimension_smoother.reset()
        elif speech < self.min_speech:
            self.smoother.skip()
            self.dimension_smoother.skip()
        else:
            window = np.zeros((1, self.window), np.float32)
            window[0, : len(samples)] = samples
            X = self._features(self.model, window)
            normalised = X if self.voice is None else self.voice.update(X)
            probabilities = self._predict(self.model, normalised)
            smoothed, ahead = self.smoother.update(probabilities)
            emotion = self._shown(probabilities, ahead)
            if self.dimension_model is not None:  # which takes the features as they are
                if not _same_features(self.model, self.dimension_model):
                    X = self._features(self.dimension_model, window)
                values = np.clip(self._predict(self.dimension_model, X), *SCALE)
                dimensions, _ = self.dimension_smoother.update(values)
        self.stopwatch.lap()
        times, gap = ((end - len(samples)) / RATE, end / RATE), bool(missing > 0)
        return WindowPrediction(*times, speech, probabilities, smoothed, emotion, gap, dimensions)

    def _features(self, model, window):
        with self.stopwatch("features"):
            return model.features(window)

    def _predict(self, model, X):
        with self.stopwatch("model"):
            return predict(model, X)[0]

    def revise(self, predictions):
        """All predictions of this stream once more, each window normalised by all windows of the voice."""
        if self.voice is None:
            return predictions
        rows = self.voice.whole(self.voice.count - self._count_before)
        outputs = iter(predict(self.model, rows)) if len(rows) else iter(())
        self.smoother.reset()
        revised = []
        for one in predictions:
            if one.probabilities is None:
                self.smoother.reset() if one.gap else self.smoother.skip()
                revised.append(one)
                continue
            probabilities = next(outputs)
            smoothed, ahead = self.smoother.update(probabilities)
            emotion = self._shown(probabilities, ahead)
            revised.append(one._replace(probabilities=probabilities, smoothed=smoothed, emotion=emotion))
        return revised

    def _shown(self, probabilities, ahead):
        """The emotion to show: `ahead`, "uncertain" if this window is, or None for a regressor."""
        if not self.shows_emotion:
            return None
        return ahead if probabilities.max() >= self.threshold else UNCERTAIN


def _same_features(one, other):
    """Whether two models take the same kind of feature with the same parameters, which is then computed once."""
    kinds = [
        (getattr(model, "feature_extractor", None), getattr(model, "parameters", None) or {}) for model in (one, other)
    ]
    return isinstance(kinds[0][0], str) and kinds[0] == kinds[1]


STAGES = ("read", "vad", "features", "model")
MAX_LAPS = 1000


class Stopwatch:
    """Adds up the seconds of each stage until a window is done; keeps the last 1000 windows (Lesson 12).

    Examples
    --------
    >>> stopwatch = Stopwatch()
    >>> with stopwatch("vad"):
    ...     pass
    >>> stopwatch.lap()
    >>> stopwatch.table().index.tolist()
    ['read', 'vad', 'features', 'model', 'total']
    """

    def __init__(self):
        self._running = dict.fromkeys(STAGES, 0.0)
        self._laps = {stage: RingBuffer(MAX_LAPS, np.float64) for stage in STAGES}

    @contextlib.contextmanager
    def __call__(self, stage):
        """Add the time of the ``with`` block to `stage`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._running[stage] += time.perf_counter() - start

    def lap(self):
        """A window is done: store its times and start again."""
        for stage, seconds in self._running.items():
            self._laps[stage].write([seconds])
        self._running = dict.fromkeys(STAGES, 0.0)

    def table(self):
        """Milliseconds per window: one row per stage and one for their sum; columns ``p50``, ``p95`` and ``p99``."""
        laps = {stage: ring.last(len(ring)) for stage, ring in self._laps.items()}
        laps["total"] = sum(laps.values())
        table = 1000 * pd.DataFrame(laps).quantile([0.50, 0.95, 0.99]).T  # NaN where there is no window yet
        return table.set_axis(["p50", "p95", "p99"], axis=1).rename_axis("stage")
