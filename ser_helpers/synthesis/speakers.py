"""The actors: a voice each, and a way of acting each emotion."""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..errors import CorpusError
from .chance import stream
from .prosody import EMOTIONS, HABIT, departure

COLOUR_BANDS = 12


class Speaker(NamedTuple):
    """One actor. Sizes in dB are relative to the stored voice, a woman's."""

    gender: str  # "female" or "male"
    hz: float  # mean pitch
    formants: float  # x formant frequencies: a longer vocal tract has lower ones
    rate: float  # x duration
    db: float  # level
    tilt: float  # dB per octave above 500 Hz
    h1: float  # dB on the lowest harmonic
    breath: float  # dB of aspiration
    jitter: float  # % cycle-to-cycle change of period
    shimmer: float  # dB cycle-to-cycle change of amplitude
    range: float  # x pitch movement
    colour: np.ndarray  # (12,) dB, a spectral colour of one's own from 0 to 8 kHz
    room_noise: float  # dBFS
    expressiveness: dict  # emotion -> how much of the table's row this actor performs; 1 is all of it
    habit: dict  # emotion -> (19,) this actor's own departure from the table, in its units
    habit_colour: dict  # emotion -> (12,) dB, the same for the spectral colour


@cache
def speaker(actor, seed=0):
    """The voice of an actor, 1–99: odd numbers are men, even numbers women, as in RAVDESS (Lesson 03).

    Raises CorpusError for any other number.

    >>> speaker(2).gender, speaker(2).hz > speaker(1).hz
    ('female', True)
    """
    if actor not in range(1, 100):
        raise CorpusError(f"There is no actor {actor!r}: choose a whole number from 1 to 99.")
    rng, female = stream("speaker", actor, seed), actor % 2 == 0
    return Speaker(
        gender="female" if female else "male",
        hz=rng.normal(208, 16) if female else rng.normal(115, 14),
        formants=rng.normal(0.95, 0.03) if female else rng.normal(0.81, 0.03),
        rate=rng.normal(1.2, 0.08),
        db=rng.normal(0, 2),
        tilt=rng.normal(1.4, 0.4),
        h1=rng.normal(0 if female else -3, 1.3),
        breath=rng.normal(0, 2),
        jitter=rng.uniform(0.1, 0.5),
        shimmer=rng.uniform(0, 0.2),
        range=rng.normal(1, 0.15),
        colour=np.cumsum(rng.normal(0, 0.6, COLOUR_BANDS)),
        room_noise=rng.uniform(-90, -80),
        expressiveness={emotion: rng.normal(1, 0.2) for emotion in EMOTIONS},
        habit={emotion: HABIT * departure(rng) for emotion in EMOTIONS},
        habit_colour={emotion: rng.normal(0, 1, COLOUR_BANDS) for emotion in EMOTIONS},
    )
