"""Features: the 193-d vector against the plain recipe, and extract with two processes and with its cache.

The two ways to the vector take turns on 24 clips of RAVDESS, or of the small synthetic corpus if RAVDESS is not here,
already read and resampled. Their times are medians of three rounds, by the clock and by processor time, which other
programs disturb less. All else is the fastest of three interleaved runs over a part of the small synthetic corpus, by
the clock. Numerics are single-threaded.
"""

import os
import tempfile
import time
import warnings
from unittest import mock

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.timing import fastest, seconds
from ser_helpers import audio, corpora, features
from ser_helpers.errors import CorpusMissing

CLOCKS = {"clock": time.perf_counter, "processor": time.process_time}


def bench():
    """Milliseconds per clip, and how many times faster than the line above."""
    table = corpora.load("synthetic-small")[::4]
    one, two = fastest(lambda: _extract(table, 1), lambda: _extract(table, 2))
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, SER_CACHE_HOME=folder):
        cold = seconds(lambda: _extract(table, 1, cache=True))
        (warm,) = fastest(lambda: _extract(table, 1, cache=True))
    rows = [
        *_vectors(),
        ("extract, 1 job", one / len(table), 1),
        ("extract, 2 jobs", two / len(table), one / two),
        ("extract, nothing cached", cold / len(table), 1),
        ("extract, all cached", warm / len(table), cold / warm),
    ]
    cells = [(name, f"{1000 * seconds:.1f}", f"{ratio:.1f}") for name, seconds, ratio in rows]
    return pd.DataFrame(cells, columns=["what", "ms per clip", "times faster"]).set_index("what")


def _vectors():
    """Rows of the table: the plain recipe and ours, by each clock."""
    rounds = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        corpus, clips = _clips()
        for _ in range(4):
            rounds.append([[_times(make, y) for make in (features.vector193_plain, features.vector193)] for y in clips])
    medians = np.median(rounds[1:], axis=(0, 1))  # (functions, clocks); the first round compiles and fills caches
    for name, (plain, ours) in zip(CLOCKS, medians.T, strict=True):
        yield f"vector193_plain, {corpus}, {name}", plain, 1
        yield f"vector193, {corpus}, {name}", ours, plain / ours


def _clips():
    """The corpus and samples of 24 of its clips, as many of each speaker."""
    try:
        table = corpora.load("ravdess")
    except CorpusMissing:
        table = corpora.load("synthetic-small")
    few = table.groupby("speaker").sample(24 // table["speaker"].nunique(), random_state=0)
    return few["corpus"].iloc[0], [audio.load(path, 22050) for path in few["path"]]


def _times(make, y):
    """Seconds by each clock."""
    starts = [clock() for clock in CLOCKS.values()]
    make(y, 22050)
    return [clock() - start for clock, start in zip(CLOCKS.values(), starts, strict=True)]


def _extract(table, jobs, cache=False):
    return features.extract(table, "vector193", jobs=jobs, progress=False, cache=cache)
