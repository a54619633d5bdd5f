"""Voice activity detection with Silero's network, frame by frame or over a whole recording.

The network sees 32 ms at a time and is recurrent. Its file comes with the package ``silero-vad`` (MIT licence) and is
run by ONNX Runtime, so neither torch nor silero's own code is loaded. https://github.com/snakers4/silero-vad
"""

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

from ser_helpers.audio.signal import _samples, check, resample
from ser_helpers.errors import AudioError, WeightsMissing

RATE = 16000
FRAME = 512
"""Samples in one frame at 16 kHz: 32 ms."""

_CONTEXT = 64  # samples of the frame before, which the network sees again before each frame
_HYSTERESIS = 0.15  # speech ends that far below the threshold at which it begins


class VoiceActivityDetector:
    """The probability of speech in each frame of 32 ms, for samples that come in chunks of any size (Lesson 12).

    Raises WeightsMissing if ``silero-vad`` or ``onnxruntime`` is not installed.

    Parameters
    ----------
    threshold : float
        The probability from which a frame counts as speech; whoever reads the probabilities applies it.

    Examples
    --------
    >>> vad = VoiceActivityDetector()
    >>> vad.feed(np.zeros(500)).size, vad.feed(np.zeros(12)).size
    (0, 1)
    """

    def __init__(self, threshold=0.5):
        if not 0 < threshold < 1:
            raise ValueError(f"threshold is a probability between 0 and 1, not {threshold!r}.")
        self.threshold = threshold
        _network()
        self.reset()

    def reset(self):
        """Forget all samples so far: another recording begins."""
        self._state = np.zeros((2, 1, 128), np.float32)  # of the LSTM: (hidden and cell, batch, units)
        self._input = np.zeros((1, _CONTEXT + FRAME), np.float32)
        self._rest = np.zeros(0, np.float32)

    def feed(self, y):
        """Take mono samples (n,) at 16 kHz; return the probabilities (frames,) of the frames they complete.

        Raises AudioError for integers, several channels, NaN or infinite samples, and goes on as if none had come.
        """
        y = _samples(y)
        if y.ndim != 1:
            raise AudioError(f"Speech is detected in samples (n,), not in shape {y.shape}: average the channels.")
        y = np.concatenate([self._rest, y.astype(np.float32, copy=False)])
        frames, rest = divmod(len(y), FRAME)
        self._rest = y[len(y) - rest :]
        return np.array([self._probability(y[k * FRAME : (k + 1) * FRAME]) for k in range(frames)], np.float32)

    def _probability(self, frame):
        self._input[0, :_CONTEXT] = self._input[0, FRAME:]
        self._input[0, _CONTEXT:] = frame
        probability, self._state = _network().run(None, {"input": self._input, "state": self._state, "sr": _SR})
        return probability[0, 0]


def find_speech(y, sr, threshold=0.5, min_speech=0.25, min_silence=0.1):
    """The segments of a recording that contain speech, as a table of ``start`` and ``end`` in seconds (Lesson 12).

    Speech begins with a frame at or above `threshold` and ends before a pause: frames more than 0.15 below it for
    `min_silence` seconds. Segments no longer than `min_speech` are left out. The rules are those of silero's own
    ``get_speech_timestamps`` without padding. Raises AudioError if `audio.check` refuses the samples.

    Parameters
    ----------
    y, sr : array (n,), int
        Mono samples, float, and their rate in Hz.
    threshold : float
        Probability from which a frame counts as speech.
    min_speech, min_silence : float
        Seconds.

    Examples
    --------
    >>> len(find_speech(np.zeros(16000), 16000))
    0
    """
    y = resample(check(y, sr), sr, RATE)
    whole = np.pad(y, (0, -len(y) % FRAME))
    probabilities = VoiceActivityDetector(threshold).feed(whole)
    segments = _segments(probabilities, threshold, min_speech * RATE, min_silence * RATE, len(y))
    return pd.DataFrame(segments, columns=["start", "end"], dtype=float) / RATE


def _segments(probabilities, threshold, min_speech, min_silence, length):
    """(start, end) of each segment of speech, in samples."""
    segments, start, pause = [], None, None
    for frame, probability in enumerate(probabilities):
        here = frame * FRAME
        if probability >= threshold:
            start, pause = here if start is None else start, None
        elif start is not None and probability < max(threshold - _HYSTERESIS, 0.01):
            pause = here if pause is None else pause
            if here - pause >= min_silence:
                segments.append((start, pause))
                start = pause = None
    if start is not None:
        segments.append((start, length))
    return [(start, end) for start, end in segments if end - start > min_speech]


@functools.cache
def _network():
    """The network, shared by all detectors of this process: each keeps its own recurrent state."""
    package = importlib.util.find_spec("silero_vad")
    if package is None or importlib.util.find_spec("onnxruntime") is None:
        raise WeightsMissing("The voice activity detector is not installed: pip install silero-vad onnxruntime.")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    path = Path(package.origin).parent / "data" / "silero_vad_16k_op15.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


_SR = np.array(RATE, np.int64)
