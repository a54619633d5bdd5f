"""How one window becomes one estimate. The live detector and the offline one share every line of this.

How long each stage of the detector takes, window by window.
"""

import contextlib
import time
from typing import NamedTuple

import numpy as np
import pandas as pd

from ser_helpers.audio.vad import RATE, SpeechGate
from ser_helpers.errors import ModelError, StreamError
from ser_helpers.streaming.ring import RingBuffer
from ser_helpers.streaming.samples import between
from ser_helpers.streaming.smoothing import Smoother

MOST_MISSING = 0.1
"""A window of which a larger share is missing is not judged."""


class WindowPrediction(NamedTuple):
    """What was heard in one window (Lesson 12)."""

    start: float
    """Seconds from the beginning of the stream."""
    end: float
    """Seconds; the estimate was made when this moment had been heard."""
    speech: float
    """Share of the window with speech, 0 to 1."""
    probabilities: np.ndarray | None
    """(k,), in the order of the model's ``classes_``; None where the window was not judged."""
    smoothed: np.ndarray | None
    """(k,), smoothed over the last windows; None where the window was not judged."""
    emotion: str | None
    """What to show, after smoothing and hysteresis; None where the window was not judged."""
    gap: bool
    """Whether a part of the window is missing."""


class WindowAnalyser:
    """Cuts time into windows, and turns a window into an estimate: speech or not, probabilities, smoothing.

    Parameters
    ----------
    model : object
        ``classes_`` (k,) and ``predict_proba(windows)`` for windows (n, samples), float32 at 16 kHz, giving (n, k). If
        it also has ``features(windows)`` and ``classify(X)``, these two are called instead, and timed apart.
    window, hop : float
        Seconds in a window, and from the end of one window to the end of the next.
    gate : bool or object
        True: a `SpeechGate`; False: everything counts as speech; or an object with its ``feed``, ``reset`` and
        ``threshold``, which is reset first and serves this stream alone.
    min_speech : float
        A window with a smaller share of speech is not judged.
    weight, margin : float
        Of the `Smoother`.
    """

    def __init__(self, model, window=3.0, hop=1.0, gate=True, min_speech=0.2, weight=0.5, margin=0.1):
        for name, seconds in {"window": window, "hop": hop}.items():
            if not between(seconds, 0.05, 60):
                raise StreamError(f"{name} is a time between 0.05 and 60 seconds, not {seconds!r}.")
        if not between(min_speech, 0, 1):
            raise StreamError(f"min_speech is a share of the window between 0 and 1, not {min_speech!r}.")
        self.classes_ = check_model(model)
        self.model, self.min_speech = model, min_speech
        self.window, self.hop = round(window * RATE), round(hop * RATE)
        self.gate = SpeechGate() if gate is True else gate or None
        if self.gate and not all(hasattr(self.gate, name) for name in ("feed", "reset", "threshold")):
            raise StreamError(f"gate is True, False or an object such as audio.SpeechGate(), not {gate!r}.")
        if self.gate:
            self.gate.reset()
        self.smoother = Smoother(self.classes_, weight, margin)
        self.watch = Stopwatch()

    def __call__(self, end, samples, heard, missing=0.0):
        """The estimate of the window of `samples` that ends at sample number `end`.

        `heard` says of each frame of the window whether it is speech, `missing` which share of the window is missing.
        """
        speech = float(np.mean(heard)) if len(heard) else float(self.gate is None)
        probabilities = smoothed = emotion = None
        if missing > MOST_MISSING:
            self.smoother.reset()
        elif speech < self.min_speech:
            self.smoother.skip()
        else:
            whole = np.zeros((1, self.window), np.float32)
            whole[0, : len(samples)] = samples
            probabilities = self._probabilities(whole)
            smoothed, emotion = self.smoother.update(probabilities)
        self.watch.lap()
        start = end - len(samples)
        return WindowPrediction(start / RATE, end / RATE, speech, probabilities, smoothed, emotion, bool(missing > 0))

    def _probabilities(self, windows):
        if hasattr(self.model, "features") and hasattr(self.model, "classify"):
            with self.watch("features"):
                windows = self.model.features(windows)
            with self.watch("model"):
                found = self.model.classify(windows)
        else:
            with self.watch("model"):
                found = self.model.predict_proba(windows)
        found = np.asarray(found, float)
        if found.shape != (1, len(self.classes_)) or not np.isfinite(found).all():
            raise ModelError(
                f"The model must give {len(self.classes_)} finite probabilities for a window, not {found!r}."
            )
        return found[0]


def check_model(model):
    """The labels of a window model (k,); a ModelError if it is none, or not fitted."""
    if isinstance(model, type) or not hasattr(model, "classes_") or not hasattr(model, "predict_proba"):
        raise ModelError(
            f"A detector needs a fitted model (classes_, predict_proba), not {type(model).__name__}: fit it first."
        )
    return np.asarray(model.classes_)


STAGES = ("read", "vad", "features", "model")
KEPT = 1000


class Stopwatch:
    """Adds up the seconds of each stage until a window is done; keeps the last 1000 windows (Lesson 12).

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch("vad"):
    ...     pass
    >>> watch.lap()
    >>> watch.table().index.tolist()
    ['read', 'vad', 'features', 'model', 'total']
    """

    def __init__(self):
        self._running = dict.fromkeys(STAGES, 0.0)
        self._laps = {stage: RingBuffer(KEPT, np.float64) for stage in STAGES}

    @contextlib.contextmanager
    def __call__(self, stage):
        """Count the time of the ``with`` block as time of `stage`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._running[stage] += time.perf_counter() - start

    def lap(self):
        """A window is done: note its times and begin again."""
        for stage, seconds in self._running.items():
            self._laps[stage].write([seconds])
        self._running = dict.fromkeys(STAGES, 0.0)

    def table(self):
        """Milliseconds per window: one row per stage and one for their sum; columns ``p50``, ``p95`` and ``p99``."""
        laps = {stage: ring.last(len(ring)) for stage, ring in self._laps.items()}
        laps["total"] = sum(laps.values())
        rows = {stage: _percentiles(1000 * seconds) for stage, seconds in laps.items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["p50", "p95", "p99"]).rename_axis("stage")


def _percentiles(milliseconds):
    return np.percentile(milliseconds, [50, 95, 99]) if len(milliseconds) else [np.nan] * 3
