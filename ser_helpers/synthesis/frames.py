"""The stored sentences: eleven, each as source-filter frames of one neutral voice.

A frame is 12.5 ms of speech taken apart into what the vocal folds do (the pitch) and what the mouth does to it (a
spectral envelope for the voiced part, another for the noise): the source-filter model of Fant (1960).

`frames.npz` (232 kB) was made with hibari-tts 0.2.1 by Maureese Williams (https://github.com/MMWilliams/hibari,
Apache-2.0), whose network predicts such frames, in its voice "heart", distilled from Kokoro-82M (Apache-2.0).
`tools/make_frames.py` makes it again. It holds 8-bit log magnitudes at 101 frequencies.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import CorpusError

SAMPLE_RATE = 16_000
HOP = 200  # samples between frames: 12.5 ms
WINDOW = 800  # samples of a frame: 50 ms, so that bins are 20 Hz apart
FREQUENCIES = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
LOWEST_VOICE = 60  # Hz; what is stored below it is unvoiced
STEPS_PER_NEPER = 8  # 8-bit steps: 1.1 dB each

STATEMENTS = {1: "Kids are talking by the door.", 2: "Dogs are sitting by the door."}  # RAVDESS's two
STORE = Path(__file__).with_name("frames.npz")


class Frames(NamedTuple):
    """One sentence in a neutral voice, `n` frames long."""

    f0: np.ndarray  # (n,) pitch in Hz, 0 where unvoiced
    harmonics: np.ndarray  # (n, 401) natural logarithm of the voiced part's magnitude at FREQUENCIES
    noise: np.ndarray  # (n, 401) the same for the noise


def sentences():
    """The sentences that can be spoken, in the order in which they are stored.

    >>> sentences()[:2]
    ['Kids are talking by the door.', 'Dogs are sitting by the door.']
    """
    return list(_stored())


def carrier(statement):
    """The frames of a sentence, by its text or by RAVDESS's statement number (1 or 2).

    Raises CorpusError when the sentence is not stored.

    >>> carrier(1).f0.shape
    (113,)
    """
    text = STATEMENTS.get(statement, statement)
    if text not in _stored():
        known = "; ".join(f"{n} ({s!r})" if n < 3 else repr(s) for n, s in enumerate(sentences(), 1))
        raise CorpusError(f"There are no frames for the statement {statement!r}; choose one of {known}.")
    return _stored()[text]


@cache
def _stored():
    with np.load(STORE) as store:
        count = sum(name.startswith("text") for name in store.files)
        return {
            str(store[f"text{k}"]): Frames(
                _voiced(store[f"f0_{k}"].astype(np.float32)),
                _unpack(store[f"h_{k}"], store["grid"]),
                _unpack(store[f"n_{k}"], store["grid"]),
            )
            for k in range(count)
        }


def _voiced(f0):
    return np.where(f0 > LOWEST_VOICE, f0, 0)


def _unpack(steps, grid):
    bins = np.arange(len(FREQUENCIES))
    return np.stack([np.interp(bins, grid, row) for row in steps / STEPS_PER_NEPER]).astype(np.float32)
