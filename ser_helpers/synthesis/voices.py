"""The actors: a voice each, and a way of acting each emotion.

One utterance: a sentence, an actor, an emotion.

A line with a feeling: what the voice makes of valence and arousal.

Arousal is in the voice: it moves from calm and sad towards happy and angry speech, the rows of `prosody`'s table.
Of the valence the voice tells `TOLD` of what it could: an angry and a happy voice are more alike than in RAVDESS.
Irony sounds lower, slower and louder (Rockwell 2000, doi:10.1023/A:1005120109296), and flat.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ser_helpers.errors import CorpusError
from ser_helpers.synthesis.dialogue import CENTRES
from ser_helpers.synthesis.prosody import (
    CHANCE,
    CUES,
    EMOTIONS,
    HABIT,
    NEUTRAL,
    PROSODY,
    Cues,
    Performance,
    adjust,
    departure,
    performance,
)
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.vocoder import SAMPLE_RATE, STATEMENTS, carrier, render

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
    rng, female = make_rng("speaker", actor, seed), actor % 2 == 0
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
    rng = make_rng(text, actor, emotion, intensity, repetition, seed)
    played = performance(voice, emotion, intensity, rng)
    played = played._replace(cues=adjust(played.cues, cues or {}))
    return render(frames, voice, played, rng), played


TOLD = 0.75
HEARD = 0.14  # how far, by chance, the voice is from what is felt
CALM = CENTRES["neu"][1]  # the arousal of a neutral voice
SLACK = 2.5  # a voice does not fall as far below neutral as it rises above it: what there is below counts more
PACE = 0.82  # x duration: conversation is faster than reading aloud
IRONY = {"f0": -3, "range": -0.4, "dur": 0.2, "db": 4, "final": -3, "narrow": 6}  # added to the cues
MARGIN = SAMPLE_RATE // 20  # of quiet before and after a turn
PAUSE = SAMPLE_RATE // 5  # between its sentences


def mixture(valence, arousal):
    """How much of which rows of the table of prosody makes this feeling's voice: {(emotion, intensity): weight}.

    >>> mixture(valence=-0.5, arousal=0.5)["angry", 2] > mixture(valence=0.5, arousal=0.5)["angry", 2]
    True
    """
    up, down = min(max(arousal - CALM, 0), 1), min(max(SLACK * (CALM - arousal), 0), 1)
    good, bad = (1 + TOLD * valence) / 2, (1 - TOLD * valence) / 2
    weights = {("happy", 2): up * good, ("angry", 2): up * bad, ("calm", 1): down * good, ("sad", 1): down * bad}
    return weights | {NEUTRAL: 1 - up - down}


def speak(lines, actor, feeling, ironic, rng, seed=0):
    """Say sentences with a feeling (valence, arousal, dominance): (n,) float32 at 16 kHz, peaks not yet limited.

    >>> from ser_helpers.synthesis.rng import make_rng
    >>> speak(["Really?"], 31, (-0.6, 0.6, 0.3), False, make_rng("example")).dtype
    dtype('float32')
    """
    voice = speaker(actor, seed)
    played = _performance(voice, feeling, ironic, rng)
    pieces = [np.pad(render(carrier(line), voice, played, rng), (0, PAUSE)) for line in lines]
    return np.pad(np.concatenate(pieces)[:-PAUSE], MARGIN)


def _performance(voice, feeling, ironic, rng):
    neutral = np.array(PROSODY[NEUTRAL])
    cues, colour = neutral + CHANCE * departure(rng), voice.colour + rng.normal(0, 0.4, len(voice.colour))
    valence, arousal = np.clip(feeling[:2] + rng.normal(0, HEARD, 2), -1, 1)
    for row, weight in mixture(valence, arousal).items():
        emotion, _ = row
        acted = voice.expressiveness[emotion] * (np.array(PROSODY[row]) - neutral) + voice.habit[emotion]
        cues, colour = cues + weight * acted, colour + weight * voice.habit_colour[emotion]
    if ironic:
        cues = cues + [IRONY.get(name, 0) for name in CUES]
    cues[list(CUES).index("dur")] *= PACE
    cues = np.clip(cues, [cue.lowest for cue in CUES.values()], [cue.highest for cue in CUES.values()])
    return Performance(Cues(*cues.tolist()), colour, tuple(feeling))
