"""Whatever a sender calls samples becomes mono float32 at 16 kHz."""

import math
import numbers

import numpy as np
import soxr

from ser_helpers.audio.vad import RATE
from ser_helpers.errors import StreamError

MOST_CHANNELS = 32
RATES = (4000, 384000)


def mono(chunk):
    """Samples of any type (n,) or (n, channels) as (n,) float32 on the scale from -1 to 1; NaN stays NaN.

    Integers are divided by their full scale (unsigned ones have their zero in the middle), channels are averaged.

    Raises
    ------
    StreamError
        If `chunk` is not samples.

    >>> mono(np.array([[16384, -16384], [16384, 16384]], np.int16))
    array([0. , 0.5], dtype=float32)
    """
    try:
        chunk = np.asarray(chunk)
    except ValueError as error:
        raise StreamError("A chunk is samples (n,) or (n, channels), not a list of unequal rows.") from error
    if chunk.ndim not in (1, 2) or (chunk.ndim == 2 and not 1 <= chunk.shape[1] <= MOST_CHANNELS):
        raise StreamError(f"A chunk is samples (n,) or (n, channels), not an array of shape {chunk.shape}.")
    if chunk.dtype.kind not in "iuf":
        raise StreamError(f"Samples are integers or floats, not {chunk.dtype}.")
    if chunk.dtype.kind in "iu" and chunk.dtype.itemsize > 4:
        raise StreamError(f"Nobody knows the full scale of {chunk.dtype} samples: give them as int16 or int32.")
    if chunk.dtype.kind in "iu":
        full = np.float32(2.0 ** (8 * chunk.dtype.itemsize - 1))
        chunk = chunk.astype(np.float32) / full - np.float32(chunk.dtype.kind == "u")
    with np.errstate(over="ignore"):  # what does not fit is infinite, and counts as missing
        chunk = np.ascontiguousarray(chunk, np.float32)
    y = chunk if chunk.ndim == 1 else chunk[:, 0] if chunk.shape[1] == 1 else chunk.mean(axis=1)
    quiet = len(y) == 0 or -100 <= y.min() <= y.max() <= 100
    if not quiet and np.any(np.isfinite(y) & (np.abs(y) > 100)):
        raise StreamError("Floats are samples on the scale from -1 to 1: divide them first, or send integers.")
    return y


def between(value, low, high=math.inf):
    """Whether `value` is a number from `low` to `high`: words, None and NaN are not.

    >>> between(0.5, 0, 1), between("0.5", 0, 1), between(math.nan, 0, 1)
    (True, False, False)
    """
    return isinstance(value, numbers.Real) and low <= value <= high


def check_rate(sr):
    """`sr` as an int, if it is a sample rate.

    >>> check_rate(44100.0)
    44100
    """
    if not isinstance(sr, numbers.Real) or not RATES[0] <= sr <= RATES[1] or int(sr) != sr:
        raise StreamError(f"A sample rate is a whole number from {RATES[0]} to {RATES[1]} Hz, not {sr!r}.")
    return int(sr)


class StreamResampler:
    """An unbroken part of a stream: mono samples at `sr` Hz in, the same at 16 kHz out.

    The resampler keeps its state between chunks, and does not care where one ends: any chunks give the same samples, to
    the bit, as :func:`ser_helpers.audio.resample` gives of the whole. It is late by 10 to 60 ms.

    >>> part = StreamResampler(8000)
    >>> len(part.feed(np.zeros(8000, np.float32))) < 16000
    True
    """

    def __init__(self, sr):
        self.sr = sr
        self.taken = 0
        self.given = 0
        self._stream = soxr.ResampleStream(sr, RATE, 1, dtype="float32", quality="HQ") if sr != RATE else None

    def feed(self, y):
        """The samples at 16 kHz that `y` (n,) completes."""
        self.taken += len(y)
        y = y if self._stream is None else self._stream.resample_chunk(y)
        self.given += len(y)
        return y

    def close(self, length):
        """The rest, so that this stretch has given `length` samples in all."""
        rest = np.zeros(0, np.float32)
        if self._stream is not None:
            rest = self._stream.resample_chunk(rest, last=True)
        wanted = length - self.given
        return np.pad(rest, (0, max(0, wanted - len(rest))))[:wanted]
