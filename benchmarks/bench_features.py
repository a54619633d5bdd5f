"""Features: the 193-d vector against the plain recipe, and extract with two processes and with its cache.

The fastest of three interleaved runs over a part of the small synthetic corpus; numerics are single-threaded. The two
ways to the vector are timed by the processor time they take, all else by the clock on the wall.
"""

import os
import tempfile
import time
import warnings
from unittest import mock

import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.timing import fastest, seconds
from ser_helpers import audio, corpora, features


def bench():
    """Milliseconds per clip, and how many times faster than the line above."""
    table = corpora.load("synthetic-small")[::4]
    clips = [audio.load(path, 22050) for path in table["path"][::5]]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        plain, fast = fastest(
            lambda: [features.vector193_plain(y, 22050) for y in clips],
            lambda: [features.vector193(y, 22050) for y in clips],
            clock=time.process_time,
        )
    one, two = fastest(lambda: _extract(table, 1), lambda: _extract(table, 2))
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, SER_CACHE_HOME=folder):
        cold = seconds(lambda: _extract(table, 1, cache=True))
        (warm,) = fastest(lambda: _extract(table, 1, cache=True))
    rows = [
        ("vector193_plain", plain / len(clips), 1),
        ("vector193", fast / len(clips), plain / fast),
        ("extract, 1 job", one / len(table), 1),
        ("extract, 2 jobs", two / len(table), one / two),
        ("extract, nothing cached", cold / len(table), 1),
        ("extract, all cached", warm / len(table), cold / warm),
    ]
    cells = [(name, f"{1000 * seconds:.1f}", f"{ratio:.1f}") for name, seconds, ratio in rows]
    return pd.DataFrame(cells, columns=["what", "ms per clip", "times faster"]).set_index("what")


def _extract(table, jobs, cache=False):
    return features.extract(table, "vector193", jobs=jobs, progress=False, cache=cache)
