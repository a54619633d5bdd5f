"""Make the stored sentences of ser_helpers/synthesis again, for maintainers.

``python tools/make_frames.py [FOLDER]`` writes frames.npz, lines.npz with the sentences of lines.toml, calls.npz
with those of calls.toml, and german.npz with those of german.toml, which spells them in the nearest English sounds.

Needs ``pip install hibari-tts==0.2.1`` (Apache-2.0), a small neural voice that nothing else in the project uses: its
network predicts source-filter frames, so a sentence needs no analysis, only storing. Another version of hibari-tts or
onnxruntime may give frames that differ in the last step, and so a corpus that differs; that is why they are stored.
"""

import sys
import tomllib
from pathlib import Path

import numpy as np

from ser_helpers.synthesis.calls import every_sentence
from ser_helpers.synthesis.dialogue import every_line
from ser_helpers.synthesis.vocoder import (
    CALLS,
    EVERY_CALL,
    EVERY_NOISE,
    FREQUENCIES,
    GERMAN,
    LINE_STEPS_PER_NEPER,
    LINES,
    STATEMENTS,
    STEPS_PER_NEPER,
    STORE,
)

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
SOUNDS = GERMAN.with_suffix(".toml")
# Every 20 Hz up to 1 kHz, then 51 frequencies up to 8 kHz at equal steps of pitch.
GRID = np.unique(np.rint(np.r_[np.arange(50), 50 * 8 ** np.linspace(0, 1, 51)])).astype(int)


def frames(voice, text, sounds=None):
    """Pitch in Hz, log magnitude of the harmonics and of the noise, as hibari's network predicts them."""
    ids = [number for phonemes in sounds or voice.phonemize(text) for number in voice.ids(phonemes)]
    outputs = voice.sess.run(None, {"ids": np.array([ids], np.int64), "speed": np.ones(1, np.float32)})
    harmonics, _, _, noise, _, f0 = (output[0] for output in outputs)
    harmonics, noise = harmonics[: len(FREQUENCIES)].T, noise[: len(FREQUENCIES)].T
    sounding = np.flatnonzero(np.maximum(harmonics, noise).max(1) > 0)
    cut = slice(max(sounding[0] - 3, 0), sounding[-1] + 4)
    return f0[cut], harmonics[cut], noise[cut]


def eight_bits(magnitudes, grid=GRID, per_neper=STEPS_PER_NEPER):
    """Log magnitudes at `grid` as whole steps."""
    return np.clip(magnitudes[:, grid] * per_neper, -127, 127).round().astype(np.int8)


def changes(steps):
    """Each frame's steps less those of the frame before, in 8 bits that wrap around."""
    return np.diff(steps, axis=0, prepend=np.zeros((1, steps.shape[1]), np.int8))


def store_statements(voice, output):
    """Store the frames of SENTENCES, one array each."""
    store = {"grid": GRID}
    for k, text in enumerate(SENTENCES):
        f0, harmonics, noise = frames(voice, text)
        store |= {f"text{k}": text, f"f0_{k}": f0.astype(np.float16)}
        store |= {f"h_{k}": eight_bits(harmonics), f"n_{k}": eight_bits(noise)}
    np.savez_compressed(output, **store)


def store_lines(voice, output, texts, grid=GRID, sounds=None):
    """Store the frames of these lines one after another, the harmonics at the frequencies `grid`.

    `sounds` are the phonemes of lines that are not English.
    """
    f0, harmonics, noise = zip(*(frames(voice, text, sounds and sounds[text]) for text in texts), strict=True)
    np.savez_compressed(
        output,
        texts=np.array(texts),
        ends=np.cumsum([len(pitch) for pitch in f0]),
        f0=np.concatenate(f0).astype(np.float16),
        harmonics=np.concatenate([changes(eight_bits(h, grid, LINE_STEPS_PER_NEPER)) for h in harmonics]),
        noise=np.concatenate([changes(eight_bits(n, GRID[::EVERY_NOISE], LINE_STEPS_PER_NEPER)) for n in noise]),
    )


def main(folder=STORE.parent):
    """Store the frames of all sentences in `folder`."""
    try:
        from hibari import Hibari
    except ImportError:
        sys.exit("make_frames.py needs the voice it takes the frames from: pip install hibari-tts==0.2.1")
    voice = Hibari(threads=1)
    store_statements(voice, Path(folder) / STORE.name)
    store_lines(voice, Path(folder) / LINES.name, every_line())
    new = [text for text in every_sentence() if text not in every_line()]
    store_lines(voice, Path(folder) / CALLS.name, new, GRID[::EVERY_CALL])
    german = {line["text"]: [line["sounds"]] for line in tomllib.loads(SOUNDS.read_text("utf-8")).values()}
    store_lines(voice, Path(folder) / GERMAN.name, list(german), sounds=german)


if __name__ == "__main__":
    main(*sys.argv[1:])
