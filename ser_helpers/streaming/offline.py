"""The same windows from a whole recording: what the live detector must equal."""

import numpy as np
import soundfile

from ser_helpers import audio
from ser_helpers.audio.vad import FRAME, RATE
from ser_helpers.streaming.detector import last_end
from ser_helpers.streaming.estimates import WindowAnalyser
from ser_helpers.streaming.samples import check_rate, mono
from ser_helpers.streaming.timeline import to_timeline


def detect(recording, model, sr=None, **settings):
    """The timeline of a whole recording: what a `Detector` with these settings says about it, to the bit (Lesson 12).

    Parameters
    ----------
    recording : str, Path or array (n,) or (n, channels)
        A file, or samples as :meth:`Detector.feed` takes them, without missing ones.
    model : object
        As for `Detector`.
    sr : int
        Rate of an array in Hz; 16 kHz when not given. A file knows its own.
    **settings
        ``window``, ``hop``, ``gate``, ``min_speech``, ``weight`` and ``margin`` of the `Detector`.

    Returns
    -------
    DataFrame
        See :func:`timeline`.

    Raises
    ------
    AudioError
        If the file cannot be read, or the recording holds NaN or less than 25 ms.
    StreamError
        If the array holds no samples, or a setting makes no sense.

    Examples
    --------
    >>> class Coin:
    ...     classes_ = ["angry", "sad"]
    ...     def predict_proba(self, windows):
    ...         return np.full((len(windows), 2), 0.5)
    >>> detect(np.zeros(80000), Coin(), gate=False)["end"].tolist()
    [3.0, 4.0, 5.0]
    """
    judge = WindowAnalyser(model, **settings)
    y = _whole(recording, RATE if sr is None else check_rate(sr))
    ends = [*range(judge.window, len(y) + 1, judge.hop)]
    last = last_end(len(y), judge)
    heard = judge.gate.feed(y) >= judge.gate.threshold if judge.gate else np.zeros(0, bool)
    return to_timeline([_estimate(judge, y, heard, end) for end in ends + [last] * (last is not None)], judge.classes_)


def _estimate(judge, y, heard, end):
    start = max(0, end - judge.window)
    return judge(end, y[start:end], heard[-(-start // FRAME) : end // FRAME])


def _whole(recording, sr):
    """The recording as mono samples at 16 kHz."""
    if isinstance(recording, np.ndarray | list):
        y = audio.check(mono(recording), sr)
    else:
        y = audio.load(recording, sr=None)
        sr = soundfile.info(recording).samplerate
    return audio.resample(y, sr, RATE)[: -(-len(y) * RATE // sr)]
