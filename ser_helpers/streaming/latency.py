"""How long each stage of the detector takes, window by window."""

import contextlib
import time

import numpy as np
import pandas as pd

from ser_helpers.streaming.ring import RingBuffer

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
