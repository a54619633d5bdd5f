"""Samples and sample rates as senders give them, checked once: any type and number of channels becomes mono float32."""

import math
import numbers

import numpy as np

from ser_helpers.errors import StreamError

MAX_CHANNELS = 32
LOUDEST, FEW = 100, 0.01  # samples beyond this are damage, if no more than this share of a chunk is
RATES = (4000, 384000)


def channels(chunk):
    """Samples of any type (n,) or (n, channels) as (n, channels), float32 from -1 to 1; NaN stays NaN.

    Integers are divided by their full scale; the zero of unsigned ones is in the middle. A few floats far beyond full
    scale become NaN; StreamError if they are many, or `chunk` is not samples. Lessons 12 and 13.

    >>> channels(np.array([128, 192], np.uint8)).tolist()
    [[0.0], [0.5]]
    """
    try:
        chunk = np.asarray(chunk)
    except ValueError as error:
        raise StreamError("A chunk is samples (n,) or (n, channels), not a list of unequal rows.") from error
    if chunk.ndim not in (1, 2) or (chunk.ndim == 2 and not 1 <= chunk.shape[1] <= MAX_CHANNELS):
        raise StreamError(f"A chunk is samples (n,) or (n, channels), not an array of shape {chunk.shape}.")
    if chunk.dtype.kind not in "iuf":
        raise StreamError(f"Samples are integers or floats, not {chunk.dtype}.")
    if chunk.dtype.kind in "iu" and chunk.dtype.itemsize > 4:
        raise StreamError(f"The full scale of {chunk.dtype} samples is not known: give them as int16 or int32.")
    if chunk.dtype.kind in "iu":
        full = np.float32(2.0 ** (8 * chunk.dtype.itemsize - 1))
        chunk = chunk.astype(np.float32) / full - np.float32(chunk.dtype.kind == "u")
    with np.errstate(over="ignore"):  # a float64 too large for float32 becomes infinite, and counts as missing
        y = np.ascontiguousarray(chunk, np.float32)
    # min and max are cheap and settle nearly every chunk; NaN fails the comparison and is looked at sample by sample.
    if y.size and not -LOUDEST <= y.min() <= y.max() <= LOUDEST:
        wild = np.isfinite(y) & (np.abs(y) > LOUDEST)
        if wild.sum() > max(1, FEW * y.size):
            raise StreamError("Floats are samples on the scale from -1 to 1: divide them first, or send integers.")
        y = np.where(wild, np.float32(np.nan), y)
    return y[:, None] if y.ndim == 1 else y


def mono(chunk):
    """The mean of the `channels` of a chunk, (n,) float32.

    >>> mono(np.array([[16384, -16384], [16384, 16384]], np.int16))
    array([0. , 0.5], dtype=float32)
    """
    y = channels(chunk)
    return y[:, 0] if y.shape[1] == 1 else y.mean(axis=1)


def runs(y):
    """The parts of `y` (n,) in which all samples are finite, or none is: a list of (samples, missing).

    >>> [(len(part), missing) for part, missing in runs(np.array([0.1, np.nan, np.nan]))]
    [(1, False), (2, True)]
    """
    finite = np.isfinite(y)
    if finite.all():
        return [(y, False)] if len(y) else []
    parts = np.split(y, np.flatnonzero(finite[1:] != finite[:-1]) + 1)
    return [(part, not np.isfinite(part[0])) for part in parts]


def between(value, low, high=math.inf):
    """Whether `value` is a number from `low` to `high`: words, None and NaN are not.

    >>> between(0.5, 0, 1), between("0.5", 0, 1), between(math.nan, 0, 1)
    (True, False, False)
    """
    return isinstance(value, numbers.Real) and low <= value <= high


def check_rate(sr):
    """`sr` as an int, if it is a sample rate; StreamError otherwise.

    >>> check_rate(44100.0)
    44100
    """
    if not between(sr, *RATES) or int(sr) != sr:
        raise StreamError(f"A sample rate is a whole number from {RATES[0]} to {RATES[1]} Hz, not {sr!r}.")
    return int(sr)
