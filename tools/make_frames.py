"""Make ser_helpers/synthesis/frames.npz again, for maintainers: ``python tools/make_frames.py [OUTPUT]``.

Needs ``pip install hibari-tts==0.2.1`` (Apache-2.0), a small neural voice that nothing else in the project uses: its
network predicts source-filter frames, so a sentence needs no analysis, only storing. Another version of hibari-tts or
onnxruntime may give frames that differ in the last step, and so a corpus that differs; that is why they are stored.
"""

import sys
from pathlib import Path

import numpy as np

from ser_helpers.synthesis.frames import FREQUENCIES, STATEMENTS, STEPS_PER_NEPER, STORE

SENTENCES = (
    *STATEMENTS.values(),
    "I have looked at the numbers again.",
    "She told me about it this morning.",
    "We can meet at the office on Monday.",
    "That is what the letter said.",
    "It was standing there the whole time.",
    "They moved the table to the other room.",
    "You never said anything about that.",
    "I will call them back after lunch.",
    "Ha ha ha ha ha.",
)
# Every 20 Hz up to 1 kHz, then 51 frequencies up to 8 kHz at equal steps of pitch.
GRID = np.unique(np.rint(np.r_[np.arange(50), 50 * 8 ** np.linspace(0, 1, 51)])).astype(int)


def frames(voice, text):
    """Pitch in Hz, log magnitude of the harmonics and of the noise, as hibari's network predicts them."""
    ids = [number for phonemes in voice.phonemize(text) for number in voice.ids(phonemes)]
    outputs = voice.sess.run(None, {"ids": np.array([ids], np.int64), "speed": np.ones(1, np.float32)})
    harmonics, _, _, noise, _, f0 = (output[0] for output in outputs)
    harmonics, noise = harmonics[: len(FREQUENCIES)].T, noise[: len(FREQUENCIES)].T
    sounding = np.flatnonzero(np.maximum(harmonics, noise).max(1) > 0)
    cut = slice(max(sounding[0] - 3, 0), sounding[-1] + 4)
    return f0[cut], harmonics[cut], noise[cut]


def eight_bits(magnitudes):
    """Log magnitudes at GRID as whole steps."""
    return np.clip(magnitudes[:, GRID] * STEPS_PER_NEPER, -127, 127).round().astype(np.int8)


def main(output=STORE):
    """Store the frames of all sentences in `output`."""
    try:
        from hibari import Hibari
    except ImportError:
        sys.exit("make_frames.py needs the voice it takes the frames from: pip install hibari-tts==0.2.1")
    voice, store = Hibari(threads=1), {"grid": GRID}
    for k, text in enumerate(SENTENCES):
        f0, harmonics, noise = frames(voice, text)
        store |= {f"text{k}": text, f"f0_{k}": f0.astype(np.float16)}
        store |= {f"h_{k}": eight_bits(harmonics), f"n_{k}": eight_bits(noise)}
    np.savez_compressed(output, **store)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
