"""The show's jingle: a short tune of plucked notes, so that an episode is not speech alone."""

import numpy as np

from .frames import SAMPLE_RATE

TUNE = (0, 4, 7, 12, 7, 9, 5, 12)  # semitones above the first note
BASS = (0, 0, 0, 0, 5, 5, 7, 0)
FIRST_HZ = 261.63  # middle C
BEAT = 0.25  # seconds from note to note
RING = 0.35  # seconds until a note has died away to a third
PARTIALS = 6
LEVEL = 0.05


def jingle(notes=8):
    """The first notes of the tune: (n,) float32 at 16 kHz; the last one rings for a second (Lesson 11).

    >>> len(jingle(4)) / SAMPLE_RATE
    2.0
    """
    y = np.zeros(int((notes * BEAT + 1) * SAMPLE_RATE))
    for k in range(notes):
        start = int(k * BEAT * SAMPLE_RATE)
        for semitones, loudness in ((TUNE[k % len(TUNE)], 1), (BASS[k % len(BASS)] - 12, 0.7)):
            y[start:] += loudness * _note(FIRST_HZ * 2 ** (semitones / 12), len(y) - start)
    fade = np.minimum(np.arange(len(y))[::-1] / (0.1 * SAMPLE_RATE), 1)
    return (LEVEL * y * fade).astype(np.float32)


def _note(hz, samples):
    """A plucked string: partials that fade, the higher the sooner."""
    time = np.arange(samples) / SAMPLE_RATE
    partials = (np.sin(2 * np.pi * k * hz * time) * np.exp(-time * k**0.5 / RING) / k for k in range(1, PARTIALS + 1))
    return sum(partials) * np.minimum(time / 0.004, 1)
