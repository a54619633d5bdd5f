"""The predictions of the live detector, computed from a whole recording without chunks: its reference."""

import numpy as np
import soundfile

from ser_helpers import audio
from ser_helpers.audio.vad import FRAME, RATE
from ser_helpers.streaming.detector import last_end
from ser_helpers.streaming.predictions import WindowAnalyser
from ser_helpers.streaming.samples import check_rate, mono
from ser_helpers.streaming.timeline import to_timeline


def detect(recording, model, sr=None, **settings):
    """The timeline of a whole recording (see `to_timeline`): to the bit, what a `Detector` gives (Lesson 12).

    Raises AudioError if the file cannot be read, or the recording contains NaN or is shorter than 25 ms; StreamError if
    the array is not samples, or a setting is out of range.

    Parameters
    ----------
    recording : str, Path or array (n,) or (n, channels)
        A file, or samples as :meth:`Detector.feed` takes them, without missing ones.
    model : object
        As for `Detector`.
    sr : int
        Rate of an array in Hz; 16 kHz when not given. A file knows its own.
    **settings
        ``window``, ``hop``, ``vad``, ``min_speech``, ``weight``, ``margin`` and ``dimensions`` of the `Detector`.

    Examples
    --------
    >>> from ser_helpers.models import window_model
    >>> detect(np.zeros(80000), window_model("linear"), vad=False)["end"].tolist()
    [3.0, 4.0, 5.0]
    """
    analyser = WindowAnalyser(model, **settings)
    y = _whole(recording, RATE if sr is None else check_rate(sr))
    ends = [*range(analyser.window, len(y) + 1, analyser.hop)]
    last = last_end(len(y), analyser)
    is_speech = analyser.vad.feed(y) >= analyser.vad.threshold if analyser.vad else np.zeros(0, bool)
    predictions = [_predict(analyser, y, is_speech, end) for end in ends + [last] * (last is not None)]
    return to_timeline(predictions, analyser.classes_, analyser.dimensions_)


def _predict(analyser, y, is_speech, end):
    start = max(0, end - analyser.window)
    return analyser(end, y[start:end], is_speech[-(-start // FRAME) : end // FRAME])  # the frames inside the window


def _whole(recording, sr):
    """The recording as mono samples at 16 kHz."""
    if isinstance(recording, np.ndarray | list):
        y = audio.check(mono(recording), sr)
    else:
        y = audio.load(recording, sr=None)
        sr = soundfile.info(recording).samplerate
    return audio.resample(y, sr, RATE)[: -(-len(y) * RATE // sr)]  # the exact length: `resample` rounds a float
