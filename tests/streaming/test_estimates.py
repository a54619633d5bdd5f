"""The stopwatch adds up what belongs to a window, and keeps no more than the last thousand."""

import numpy as np

from ser_helpers.streaming import Stopwatch
from ser_helpers.streaming.estimates import KEPT


def test_the_parts_of_a_window_are_added(monkeypatch):
    clock = iter(np.cumsum([0, 0.001, 0, 0.002, 0, 0.005]))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for stage in ("vad", "vad", "model"):
        with watch(stage):
            pass
    watch.lap()
    first = watch.table()
    assert first.loc["vad"].round(6).tolist() == [3.0] * 3
    assert first.loc["model"].round(6).tolist() == [5.0] * 3
    assert first.loc["total"].round(6).tolist() == [8.0] * 3


def test_only_the_last_thousand_windows_count():
    watch = Stopwatch()
    for _ in range(KEPT):
        watch._running["model"] = 1.0
        watch.lap()
    for _ in range(KEPT):
        watch.lap()
    assert watch.table().loc["total"].tolist() == [0, 0, 0]
