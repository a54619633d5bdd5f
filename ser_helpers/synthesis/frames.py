"""The stored sentences, each as source-filter frames of one neutral voice.

A frame is 12.5 ms of speech taken apart into what the vocal folds do (the pitch) and what the mouth does to it (a
spectral envelope for the voiced part, another for the noise): the source-filter model of Fant (1960).

The frames were made with hibari-tts 0.2.1 by Maureese Williams (https://github.com/MMWilliams/hibari, Apache-2.0),
whose network predicts such frames, in its voice "heart", distilled from Kokoro-82M (Apache-2.0).
`tools/make_frames.py` makes them again. `frames.npz` holds eleven sentences as 8-bit log magnitudes at 101
frequencies. `lines.npz` (1.9 MB) holds the sentences of `lines.toml` in coarser steps, the noise at 26 frequencies, and
each frame as the change from the one before, which packs better. `calls.npz` (0.4 MB) does so with the sentences of
`calls.toml`, the harmonics at every second frequency: a telephone passes on no more. `german.npz` is like `lines.npz`.
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
LINE_STEPS_PER_NEPER = 4
EVERY_NOISE = 4  # of the frequencies at which harmonics are stored, the noise of a line has every fourth
EVERY_CALL = 2  # and the harmonics of a sentence of a call every second

STATEMENTS = {1: "Kids are talking by the door.", 2: "Dogs are sitting by the door."}  # RAVDESS's two
STORE = Path(__file__).with_name("frames.npz")
LINES = Path(__file__).with_name("lines.npz")
CALLS = Path(__file__).with_name("calls.npz")
GERMAN = Path(__file__).with_name("german.npz")


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
    return list(_packed())


def carrier(statement):
    """The frames of a sentence, by its text or by RAVDESS's statement number (1 or 2).

    Raises CorpusError when the sentence is not stored.

    >>> carrier(1).f0.shape
    (113,)
    """
    text = STATEMENTS.get(statement, statement)
    if text not in _packed():
        known = "; ".join(f"{number} ({text!r})" for number, text in STATEMENTS.items())
        raise CorpusError(
            f"There are no frames for the statement {statement!r}: choose {known}, or the text of one of the"
            f" {len(sentences())} in synthesis.sentences()."
        )
    return _unpacked(text)


@cache
def _unpacked(text):
    f0, harmonics, noise = _packed()[text]
    return Frames(np.where(f0 > LOWEST_VOICE, f0, 0), _full(*harmonics), _full(*noise))


@cache
def _packed():
    """{sentence: its pitch, and the steps, steps per neper and frequencies of its harmonics and of its noise}."""
    with np.load(STORE) as store:
        grid = store["grid"]
        count = sum(name.startswith("text") for name in store.files)
        packed = {
            str(store[f"text{k}"]): (
                store[f"f0_{k}"].astype(np.float32),
                (store[f"h_{k}"], STEPS_PER_NEPER, grid),
                (store[f"n_{k}"], STEPS_PER_NEPER, grid),
            )
            for k in range(count)
        }
    for path, every in ((LINES, 1), (CALLS, EVERY_CALL), (GERMAN, 1)):
        packed |= _lines(path, grid[::every], grid[::EVERY_NOISE])
    return packed


def _lines(path, grid, noise_grid):
    with np.load(path) as store:
        parts = [np.split(store[name], store["ends"][:-1]) for name in ("f0", "harmonics", "noise")]
        texts = store["texts"]
    return {
        str(text): (
            f0.astype(np.float32),
            (np.cumsum(harmonics, 0, np.int8), LINE_STEPS_PER_NEPER, grid),
            (np.cumsum(noise, 0, np.int8), LINE_STEPS_PER_NEPER, noise_grid),
        )
        for text, f0, harmonics, noise in zip(texts, *parts, strict=True)
    }


def _full(steps, per_neper, grid):
    bins = np.arange(len(FREQUENCIES))
    return np.stack([np.interp(bins, grid, row) for row in steps / per_neper]).astype(np.float32)
