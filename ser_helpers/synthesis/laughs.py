"""Laughter: calls of breath and voice, "ha ha ha", several in a second, falling in loudness and pitch.

A call is some 0.2 s long, breath and then a vowel, at about twice the pitch of speech (Bachorowski, Smoski & Owren
2001, doi:10.1121/1.1391244). The breath and the vowel are frames of the stored sentence "Ha ha ha ha ha."; the voice is
the actor's, in the same vocoder as speech.
"""

import numpy as np

from ..errors import CorpusError
from .chance import stream
from .frames import HOP, SAMPLE_RATE, Frames, carrier
from .prosody import NEUTRAL, PROSODY, Cues, Performance
from .render import DB, render
from .speakers import speaker

SHORTEST, LONGEST = 0.3, 20  # seconds
FRAMES_PER_SECOND = SAMPLE_RATE // HOP
HA = "Ha ha ha ha ha."
BREATH, VOWEL = np.arange(18, 25), np.arange(25, 34)  # its frames: one h, one a
CALL, CALL_SPREAD = 0.19, 0.03  # seconds from one call to the next
VOICED = 0.4  # of a call is vowel
FADE = 9  # dB that the last call is softer than the first
FALL = 4  # semitones that it is lower
SIGH = 0.25  # seconds of breath drawn in after a laugh of a second or more
SIGH_DB = -8
BREATHY = 0.3  # share of laughs with little voice
LEVEL, LEVEL_SPREAD = 6, 4  # dB above neutral speech


def laugh(actor=1, seconds=1.5, seed=0):
    """One laugh: `(y, sr)`, y (n,) float32 within ±1, sr 16000, about so many seconds long (Lesson 11).

    `actor` is 1–99, as for `say`; another `seed` is another laugh of the same actor. Raises CorpusError for an actor
    that is none and for less than 0.3 or more than 20 s.

    >>> y, sr = laugh(actor=42, seconds=2)
    >>> sr, 1.5 < len(y) / sr < 2.5
    (16000, True)
    """
    if not SHORTEST <= seconds <= LONGEST:
        raise CorpusError(f"A laugh cannot last {seconds} s: choose from {SHORTEST} to {LONGEST} s.")
    return np.tanh(laughter(speaker(actor), seconds, stream("laugh", actor, seed))), SAMPLE_RATE


def laughter(voice, seconds, rng):
    """`laugh` in the voice of a `speakers.Speaker`, before its peaks are softly limited: (n,) float32 at 16 kHz."""
    breathy = rng.random() < BREATHY
    cues = Cues(*PROSODY[NEUTRAL])._replace(
        f0=rng.normal(11, 2.5),
        range=rng.normal(1.6, 0.2),
        dur=1 / voice.rate,
        db=rng.normal(LEVEL, LEVEL_SPREAD) - 4 * breathy,
        tilt=rng.normal(0.5, 0.4),
        breath=rng.normal(5, 2),
        jitter=rng.uniform(0.8, 2.5),
        shimmer=rng.uniform(0.2, 1),
        whisper=rng.uniform(0.35, 0.5) if breathy else 0.02,
        pause=0,
    )
    colour = voice.colour + rng.normal(0, 0.8, len(voice.colour))
    return render(_frames(seconds, rng), voice, Performance(cues, colour, (0.7, 0.6, 0.2)), rng)


def _frames(seconds, rng):
    """The calls of one laugh, and the breath after it, as `Frames` of the stored voice."""
    said = carrier(HA)
    sigh = SIGH if seconds >= 1 else 0
    lengths = _calls(seconds - sigh, rng)
    taken, melody, level = [], [], []
    for k, length in enumerate(lengths):
        vowel = max(int(VOICED * length), 3)
        taken += [_stretched(BREATH, length - vowel), _stretched(VOWEL, vowel)]
        along = k / max(len(lengths) - 1, 1)
        arch = np.sin(np.pi * (np.arange(vowel) + 0.5) / vowel)
        melody += [np.zeros(length - vowel), 2 ** ((rng.normal(0, 1) - FALL * along + 1.5 * arch) / 12)]
        level.append(np.full(length, rng.normal(0, 1.5) - FADE * along))
    if sigh:
        taken.append(_stretched(BREATH, int(sigh * FRAMES_PER_SECOND)))
        melody.append(np.zeros(len(taken[-1])))
        level.append(np.full(len(taken[-1]), SIGH_DB))
    taken, hz, louder = np.concatenate(taken), np.median(said.f0) * np.concatenate(melody), np.concatenate(level)
    return Frames(
        hz.astype(np.float32),
        (said.harmonics[taken] + DB * louder[:, None]).astype(np.float32),
        (said.noise[taken] + DB * louder[:, None]).astype(np.float32),
    )


def _calls(seconds, rng):
    """The length in frames of each call; they grow a little longer towards the end."""
    count = max(round(seconds / CALL), 1)
    growing = np.linspace(0.9, 1.1, count) * rng.normal(1, CALL_SPREAD / CALL, count).clip(0.7, 1.4)
    return np.maximum(np.rint(growing / growing.sum() * seconds * FRAMES_PER_SECOND), 8).astype(int)


def _stretched(frames, length):
    return frames[np.arange(length) * len(frames) // length]
