"""Prepare samples: check, resample, trim, pad, normalise."""

import numpy as np
import soxr

from ser_helpers.errors import AudioError

FRAME = 0.025
"""Seconds of an analysis frame, the shortest recording that is accepted."""


def check(y, sr, name="this recording"):
    """Mono samples `y` (n,) at `sr` Hz as a float32 array, or an AudioError that says why they are unusable. Lesson 01.

    They must be one-dimensional finite floats, and last one frame (25 ms) or more. `name` is what the message calls the
    recording, usually its path.

    >>> check(np.zeros(16), 16000)
    Traceback (most recent call last):
    ser_helpers.errors.AudioError: Cannot use this recording: it lasts 1 ms, less than one frame of 25 ms; leave it out.
    """
    y = _samples(y, name)
    if y.ndim != 1:
        problem = f"its shape is {y.shape} instead of (samples,); average the channels first"
    elif len(y) < int(FRAME * sr):
        problem = f"it lasts {1000 * len(y) / sr:.3g} ms, less than one frame of 25 ms; leave it out"
    else:
        return y.astype(np.float32, copy=False)
    raise AudioError(f"Cannot use {name}: {problem}.")


def _samples(y, name="this recording"):
    """`y` as an array of finite floats, or an AudioError."""
    y = np.asarray(y)
    if not np.issubdtype(y.dtype, np.floating):
        problem = "its samples are integers; divide them by their full scale first, 32768 for 16 bits"
    elif not np.isfinite(y).all():
        problem = "it contains NaN or infinite samples; repair it or leave it out"
    else:
        return y
    raise AudioError(f"Cannot use {name}: {problem}.")


def resample(y, orig_sr, sr):
    """Mono samples `y` (n,) from `orig_sr` to `sr` Hz: (ceil(n * sr / orig_sr),), float32. Lesson 01.

    The filter is soxr's high-quality one, which librosa uses too.

    >>> resample(np.zeros(48000), 48000, 16000).shape
    (16000,)
    """
    y = np.asarray(y, dtype=np.float32)
    if orig_sr == sr:
        return y
    length = int(np.ceil(len(y) * (sr / orig_sr)))
    return pad(soxr.resample(y, orig_sr, sr, quality="HQ"), length)[:length]


class StreamResampler:
    """`resample` for samples that arrive in chunks; any chunks give, to the bit, what `resample` gives of the whole.

    >>> stream = StreamResampler(8000, 16000)
    >>> sum(map(len, (stream.feed(np.zeros(8000, np.float32)), stream.finish())))
    16000
    """

    def __init__(self, orig_sr, sr):
        self.orig_sr, self.sr = orig_sr, sr
        self.taken = self.given = 0  # samples in and out so far
        # The filter looks ahead, so its output is 10 to 60 ms late. Its state runs on from chunk to chunk: filtering
        # each chunk by itself would leave a click at every seam.
        self._filter = soxr.ResampleStream(orig_sr, sr, 1, dtype="float32", quality="HQ") if sr != orig_sr else None

    def feed(self, y):
        """Take samples (n,), float32; return those that they complete at the new rate."""
        self.taken += len(y)
        y = y if self._filter is None else self._filter.resample_chunk(y)
        self.given += len(y)
        return y

    def finish(self, length=None):
        """Return what the filter still holds, so that `length` samples were given in all: by default as `resample`."""
        length = int(np.ceil(self.taken * (self.sr / self.orig_sr))) if length is None else length
        rest = np.zeros(0, np.float32)
        if self._filter is not None:
            rest = self._filter.resample_chunk(rest, last=True)
        wanted = length - self.given
        return pad(rest, wanted)[:wanted]


def trim(y, sr, top_db=40.0):
    """Mono samples `y` (n,) at `sr` Hz without their silent ends, as a view. Lesson 01.

    A frame (25 ms every 10 ms) is silent when its RMS is more than `top_db` below that of the loudest one. Digital
    silence is returned whole. One second of noise between two seconds of silence:

    >>> noise = np.random.default_rng(0).normal(size=16000)
    >>> len(trim(np.concatenate([np.zeros(16000), noise, np.zeros(16000)]), 16000)) / 16000
    1.035
    """
    y = _samples(y)
    frame, hop = int(FRAME * sr), int(0.010 * sr)
    if len(y) <= frame or not np.any(y):
        return y
    frames = np.lib.stride_tricks.sliding_window_view(pad(y, len(y) + hop), frame)[::hop]  # a view (frames, 25 ms)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-top_db / 10))
    return y[loud[0] * hop : loud[-1] * hop + frame]


def pad(y, length):
    """Add zeros at the end until there are `length` samples; a longer `y` is returned as it is. Lesson 02.

    >>> pad(np.ones(2), 4)
    array([1., 1., 0., 0.])
    """
    return np.pad(y, (0, max(0, length - len(y))))


def normalise(y, level=-1.0, measure="peak"):
    """Scale mono samples `y` (n,) to a `level` in dB relative to full scale (an amplitude of 1). Lesson 01.

    `measure` is what has that level: "peak", the largest sample, or "rms", the root mean square. Digital silence is
    returned as it is.

    >>> normalise(np.array([0.1, -0.2]), level=0)
    array([ 0.5, -1. ])
    """
    y = _samples(y)
    if measure not in ("peak", "rms"):
        raise ValueError(f"measure is 'peak' or 'rms', not {measure!r}.")
    size = np.max(np.abs(y), initial=0) if measure == "peak" else np.sqrt(np.mean(np.square(y, dtype=np.float64)))
    return y * y.dtype.type(10 ** (level / 20) / size) if size else y
