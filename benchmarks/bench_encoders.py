"""Encoders: seconds of audio embedded per second, one by one, in batches as they come, in batches sorted by length.

The fastest of three interleaved runs each, on synthetic speech of 1 to 6 s, without the cache and without reading
files. A batch holds at most 30 s, padding included. Encoders that are not on this machine are stand-ins and say so.
"""

import numpy as np
import pandas as pd

from benchmarks.timing import fastest
from ser_helpers import audio, corpora
from ser_helpers.pretrained import Encoder
from ser_helpers.pretrained.encoder import by_length

NAMES = ("openai/whisper-base", "facebook/wav2vec2-base")
RECORDINGS, BUDGET = 40, 30.0


def bench():
    """Audio seconds per second, share of padding, and how many times the speed of the other ways."""
    speech = np.concatenate([audio.load(path) for path in corpora.load("synthetic-small")["path"][::8]])
    rng = np.random.default_rng(0)
    ys = [speech[start : start + length] for start, length in rng.integers(16000, 6 * 16000, (RECORDINGS, 2))]
    lengths = [len(y) for y in ys]
    groups = {
        "one by one": [[number] for number in range(len(ys))],
        "as they come": _in_order(lengths),
        "sorted by length": by_length(lengths, BUDGET * 16000),
    }
    return pd.concat([_rows(Encoder(name, batch_seconds=BUDGET), ys, groups) for name in NAMES])


def _rows(encoder, ys, groups):
    times = fastest(*(lambda batches=batches: _embed(encoder, ys, batches) for batches in groups.values()))
    total = sum(map(len, ys))
    cells = []
    for (name, batches), seconds in zip(groups.items(), times, strict=True):
        padded = sum(len(batch) * max(len(ys[number]) for number in batch) for batch in batches)
        speed = total / encoder.sample_rate / seconds
        ratios = (f"{times[0] / seconds:.2f}", f"{times[1] / seconds:.2f}")
        cells.append((f"{encoder.label}, {name}", f"{speed:.0f}", f"{1 - total / padded:.0%}", *ratios))
    columns = ["what", "s of audio per s", "padding", "times one by one", "times as they come"]
    return pd.DataFrame(cells, columns=columns).set_index("what")


def _embed(encoder, ys, batches):
    for batch in batches:
        encoder.compute([ys[number] for number in batch])


def _in_order(lengths):
    """Batches in the order of the recordings, each as full as it may be."""
    batches = [[]]
    for number, length in enumerate(lengths):
        longest = max([length, *(lengths[other] for other in batches[-1])])
        if batches[-1] and (len(batches[-1]) + 1) * longest > BUDGET * 16000:
            batches.append([])
        batches[-1].append(number)
    return batches
