"""One utterance: a sentence, an actor, an emotion."""

import numpy as np

from .chance import stream
from .frames import SAMPLE_RATE, STATEMENTS, carrier
from .prosody import adjust, performance
from .render import render
from .speakers import speaker


def say(statement=1, actor=1, emotion="neutral", intensity=1, repetition=1, seed=0, cues=None):
    """Speak a sentence with an emotion: `(y, sr)`, y (n,) float32 within ±1, sr 16000 (Lessons 01 and 02).

    `statement` is 1 or 2, RAVDESS's sentences, or the text of one in `sentences()`; `actor` is 1–99, odd men, even
    women; `intensity` 1 is normal and 2 strong; another `repetition` is another try of the same actor. `cues` sets
    columns of `cue_table()` by hand, such as ``{"f0": 6, "dur": 0.8}``, whatever the emotion.

    The same arguments give the same samples on every machine. Raises CorpusError for what cannot be spoken.

    >>> y, sr = say("Dogs are sitting by the door.", actor=4, emotion="happy", intensity=2)
    >>> sr, y.dtype, 1 < len(y) / sr < 4
    (16000, dtype('float32'), True)
    """
    y, _ = perform(statement, actor, emotion, intensity, repetition, seed, cues)
    return np.tanh(y), SAMPLE_RATE


def perform(statement, actor, emotion, intensity, repetition=1, seed=0, cues=None):
    """`say` before its peaks are softly limited, with the `Performance` behind it: `(y, performance)` (Lesson 02).

    >>> perform(1, actor=4, emotion="happy", intensity=2)[1].vad[0] > 0
    True
    """
    frames, voice = carrier(statement), speaker(actor, seed)
    text = STATEMENTS.get(statement, statement)
    rng = stream(text, actor, emotion, intensity, repetition, seed)
    played = performance(voice, emotion, intensity, rng)
    played = played._replace(cues=adjust(played.cues, cues or {}))
    return render(frames, voice, played, rng), played
