"""Augmentation: extract of augmented speech, on one core against two.

The fastest of three interleaved runs over a part of the small synthetic corpus, without the cache. Each row is a kind
of change; numerics are single-threaded.
"""

import pandas as pd

from benchmarks.timing import fastest
from ser_helpers import audio, corpora, features

CHANGES = {
    "as recorded": None,
    "noise": audio.Noise(),
    "all five": audio.Chain(audio.Noise(), audio.Reverb(), audio.Speed(), audio.Pitch(), audio.Shift()),
}


def bench():
    """Milliseconds per clip with one job and with two, and how many times faster two are."""
    table = corpora.load("synthetic-small")[::2]
    rows = {name: _milliseconds(table, augment) for name, augment in CHANGES.items()}
    cells = [(f"log-mel, {name}", f"{one:.1f}", f"{two:.1f}", f"{one / two:.1f}") for name, (one, two) in rows.items()]
    return pd.DataFrame(cells, columns=["what", "ms, 1 job", "ms, 2 jobs", "times faster"]).set_index("what")


def _milliseconds(table, augment):
    """Per clip, with one job and with two."""
    times = fastest(lambda: _extract(table, 1, augment), lambda: _extract(table, 2, augment))
    return [1000 * seconds / len(table) for seconds in times]


def _extract(table, jobs, augment):
    return features.extract(table, "logmel", jobs=jobs, progress=False, cache=False, augment=augment)
