"""Randomness that is the same on every machine."""

import operator
import zlib

import numpy as np


def make_rng(*key):
    """An independent random generator for any key of words and whole numbers.

    >>> [int(make_rng("speaker", 3).integers(100)) for _ in range(2)]
    [97, 97]
    """
    words = (part if isinstance(part, str) else str(operator.index(part)) for part in key)
    return np.random.default_rng(zlib.crc32("|".join(words).encode()))


def slow_noise(length, width, rng):
    """Noise of about unit size that changes slowly: random values `width` steps apart, joined by straight lines.

    >>> slow_noise(100, 10, make_rng("example")).shape
    (100,)
    """
    knots = length // width + 3
    return 1.2 * np.interp(np.arange(length) / width + rng.random(), np.arange(knots), rng.normal(size=knots))
