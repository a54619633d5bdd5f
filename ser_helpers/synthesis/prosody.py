"""How each emotion sounds: the table of prosody, after the literature on acted speech.

A row says how an emotion departs from the same speaker's neutral voice. Every family of emotions has a milder and a
stronger member (Banse & Scherer's cold and hot anger, anxiety and panic, sadness and despair), which RAVDESS calls
normal and strong intensity. The *directions* are after the papers named above each row; the *sizes* were then fitted,
by making speech and measuring it, to the recordings of RAVDESS actors 1–12. Where the two disagreed the recordings
won: acted strong anger is slower than neutral speech, happiness is not faster, and panic is not breathier.

B   Banse & Scherer (1996), Acoustic profiles in vocal emotion expression, doi:10.1037/0022-3514.70.3.614
BS  Burkhardt & Sendlmeier (2000), Verification of acoustical correlates of emotional speech using formant-synthesis,
    ISCA Workshop on Speech and Emotion
JL  Juslin & Laukka (2003), Communication of emotions in vocal expression and music performance,
    doi:10.1037/0033-2909.129.5.770
MA  Murray & Arnott (1993), Toward the simulation of emotion in synthetic speech, doi:10.1121/1.405558
S   Schröder (2001), Emotional speech synthesis: a review, Eurospeech
RM  Russell & Mehrabian (1977), Evidence for a three-factor theory of emotions, doi:10.1016/0092-6566(77)90037-X
"""

from collections import namedtuple
from typing import NamedTuple

import numpy as np
import pandas as pd

from ser_helpers.errors import CorpusError

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
INTENSITIES = {1: "normal", 2: "strong"}


class Cue(NamedTuple):
    """One column of the table of prosody."""

    meaning: str
    spread: float  # of voices around the table: HABIT of it is the actor's, CHANCE of it the clip's
    lowest: float  # a voice can do no less
    highest: float  # and no more


CUES = {
    "f0": Cue("mean pitch, semitones above the speaker's neutral", 0.7, -12, 24),
    "range": Cue("× the sentence's own pitch movement", 0.09, 0.3, 3),
    "accent": Cue("semitones on stressed syllables", 0.25, -3, 8),
    "slope": Cue("rise over the utterance, semitones", 0.5, -12, 12),
    "final": Cue("rise in its last third, semitones", 0.5, -12, 12),
    "dur": Cue("× duration", 0.06, 0.55, 3),
    "db": Cue("level, dB", 1.2, -20, 30),
    "tilt": Cue("dB per octave above 500 Hz: more is brighter, a tenser voice", 0.18, -6, 6),
    "h1": Cue("dB on the lowest harmonic: more is a laxer voice", 0.35, -10, 10),
    "breath": Cue("dB of aspiration noise", 0.7, -20, 20),
    "jitter": Cue("% of random change from one vocal-fold cycle's length to the next", 0.09, -1, 5),
    "shimmer": Cue("dB of random change from one cycle's amplitude to the next", 0.07, -1, 5),
    "tremor": Cue("trembling of the pitch at 5–8 Hz, semitones", 0.05, 0, 3),
    "creak": Cue("0–1, how much weaker every second cycle is", 0.04, 0, 1),
    "formants": Cue("× formant frequencies: a smile or a raised larynx shortens the vocal tract", 0.007, 0.7, 1.4),
    "artic": Cue("× spectral contrast: precise against slurred", 0.018, 0.5, 1.5),
    "narrow": Cue("dB near 950 Hz: a narrowed throat", 0.5, -6, 12),
    "whisper": Cue("share of the voiced frames, weakest first, that lose their voice", 0.024, 0, 0.5),
    "pause": Cue("pause inside the sentence, seconds", 0.024, 0, 1),
}
Cues = namedtuple("Cues", CUES)
NEUTRAL = ("neutral", 1)

# An actor has a habit in each emotion, and no two clips are alike. Sizes relative to a cue's spread, chosen so that
# actors and clips share the variance of eGeMAPS and of the 193-d vector about as they do in RAVDESS.
HABIT, CHANCE = 1.6, 0.6

# Columns in the order of CUES.
# fmt: off
PROSODY = {
    #                   f0  rng  acc   slo   fin   dur  db  tlt    h1  br  jit  shi  tr  cr  form   art  nar  whi  pau
    ("neutral", 1):  (   0,   1,   0,    0,    0,    1,  0,   0,    0,  0,   0,   0,  0,  0,    1,    1,   0, .02, .04),
    # after JL (tenderness): slow, soft, low, little pitch movement, little high-frequency energy, a regular voice
    ("calm", 1):     ( -.3, .81,  .1,   .7,  1.5, 1.15, -2, -.2,    1, -1, -.1, -.2,  0,  0,  .99,  .96,   0, .06, .11),
    ("calm", 2):     ( -.5, .74,  .2,  1.2,  1.9, 1.33, -4, -.4,  1.2, -1, -.3, -.5,  0,  0, 1.01,  .94,  .4, .17, .25),
    # after JL, S, MA: high and mobile pitch, loud, bright; after BS: spread lips raise the formants
    ("happy", 1):    (   3,   1,  .4,   .3, -1.1, 1.04,  6,  .6,  -.5, -1,  .7,  .2,  0,  0, 1.02, 1.03,  .6, .02, .02),
    ("happy", 2):    ( 8.9, 1.2, 1.2,  1.4, -2.4, 1.12, 16, 1.5,  -.3, -4,  .4,  .3,  0,  0, 1.05, 1.11,  .9,   0,   0),
    # quiet sorrow, after JL, S: slow, soft, narrow, breathy, pauses; crying despair, after BS, B: high, irregular
    ("sad", 1):      (  .1, .72,  .1,   .3,  2.5, 1.15, -4, -.5,  2.3,  1,  .3,  .2,  0, .1, 1.03,  .96,  .3, .15, .12),
    ("sad", 2):      ( 5.8, 1.2,  .4,  1.5,   .6, 1.21,  5,  .5,   .9,  1, 1.2, 1.1, .4, .2, 1.04, 1.01,  .5, .09, .14),
    # after JL, MA, S: loud, tense, abrupt accents on stressed syllables, irregular; hot anger is also high in pitch
    ("angry", 1):    ( 3.5,   1,  .6,   .8,  -.3, 1.05,  9,   1,    0,  2,  .2,  .3,  0, .3, 1.04, 1.01, 1.1, .03, .05),
    ("angry", 2):    (10.5, 1.5, 1.4,  4.1,   -2, 1.24, 22, 2.8, -1.9,  2,  .6,  .8,  0, .3, 1.07, 1.13, 3.3, .05, .07),
    # after JL, BS, S: very high, little pitch movement, level or rising, not slow, trembling, raised larynx
    ("fearful", 1):  ( 3.9, .87,  .2,  1.3,  1.2,  .99,  5,  .6,   .8,  0,  .5,  .2, .1,  0, 1.03,  .98,  .6, .07, .07),
    ("fearful", 2):  (  12, .62,  .5,  4.5,    0, 1.08, 15, 1.5,   .7, -5,  .7,  .6, .6,  0,  1.1, 1.07,   0,  .1, .12),
    # after MA: very much slower, wider, a grumbled chest tone: slow, creaky, a narrowed throat, voiceless ends
    ("disgust", 1):  (   1, 1.1,  .4, -1.1,    2, 1.12,  1,  .4,  -.3,  2,  .1,   0,  0, .2, 1.01,    1, 1.5,  .1, .09),
    ("disgust", 2):  ( 2.7, 1.1,   1,   .5,  1.6, 1.38,  6,  .8, -1.2,  1,  .4,  .1,  0, .4, 1.03, 1.02, 3.8, .24, .17),
    # after S: wide range, steep accents, a high final rise, slightly fast, louder
    ("surprised", 1):( 3.5, 1.5,  .7,  1.9,    5,  .89,  5,  .3, -1.1,  1,  .7,  .4,  0,  0, 1.05, 1.01,  .6, .07, .02),
    ("surprised", 2):( 9.7, 1.8, 2.3,  2.5,  5.3,  .93, 11, 1.1,  1.8,  1, 1.2, 1.3,  0,  0, 1.06, 1.05, 1.1,   0,   0),
}

# Valence, arousal and dominance of the emotion's name at strong intensity, -1 to 1, after RM; calm stands for their
# "relaxed", whose dominance is less certain than the rest.
VAD = {
    "neutral": (0, 0, 0), "calm": (.68, -.46, .06), "happy": (.81, .51, .46), "sad": (-.63, -.27, -.33),
    "angry": (-.51, .59, .25), "fearful": (-.64, .60, -.43), "disgust": (-.60, .35, .11), "surprised": (.40, .67, -.13),
}
# fmt: on
VAD_AT_INTENSITY = {1: 0.6, 2: 1.0}
VAD_SPREAD = 0.06


class Performance(NamedTuple):
    """What one utterance will do."""

    cues: Cues
    colour: np.ndarray  # (12,) dB, the spectral colour from 0 to 8 kHz
    vad: tuple  # valence, arousal and dominance, -1 to 1


def performance(speaker, emotion, intensity, rng):
    """One performance: the table's row × how expressive the actor is + the actor's habit + chance.

    Raises CorpusError for an emotion or intensity that is not in the table.
    """
    row = np.array(_row(emotion, intensity))
    neutral = np.array(PROSODY[NEUTRAL])
    expressed = speaker.expressiveness[emotion] * rng.normal(1, 0.1)
    cues = neutral + expressed * (row - neutral) + speaker.habit[emotion] + CHANCE * departure(rng)
    cues = np.clip(cues, [cue.lowest for cue in CUES.values()], [cue.highest for cue in CUES.values()])
    colour = speaker.colour + speaker.habit_colour[emotion] + rng.normal(0, 0.4, len(speaker.colour))
    vad = np.array(VAD[emotion]) * VAD_AT_INTENSITY[intensity] * expressed + rng.normal(0, VAD_SPREAD, 3)
    return Performance(Cues(*cues.tolist()), colour, tuple(np.clip(vad, -1, 1).round(3).tolist()))


def departure(rng):
    """(19,) a random departure from the table, one spread in size, in each cue's unit."""
    return np.array([cue.spread for cue in CUES.values()]) * rng.normal(size=len(CUES))


def adjust(cues, changes):
    """The cues with some set by hand; raises CorpusError for one that does not exist or that no voice can do.

    >>> adjust(Cues(*PROSODY[NEUTRAL]), {"f0": 6}).f0
    6
    """
    for name, value in changes.items():
        if name not in CUES:
            raise CorpusError(f"There is no cue {name!r}: choose among {', '.join(CUES)}.")
        if not CUES[name].lowest <= value <= CUES[name].highest:
            low, high = CUES[name].lowest, CUES[name].highest
            raise CorpusError(f"The cue {name} ({CUES[name].meaning}) cannot be {value}: choose from {low} to {high}.")
    return cues._replace(**changes)


def _row(emotion, intensity):
    if emotion not in EMOTIONS:
        raise CorpusError(f"There is no emotion {emotion!r}: choose one of {', '.join(EMOTIONS)}.")
    if (emotion, intensity) not in PROSODY:
        choice = "1 (neutral has no strong intensity)" if emotion == "neutral" else "1 (normal) or 2 (strong)"
        raise CorpusError(f"There is no intensity {intensity!r} of {emotion}: choose {choice}.")
    return PROSODY[emotion, intensity]


def prosody_table():
    """The table of prosody: one row per emotion and intensity, one column per cue, in `cue_table`'s units (Lesson 02).

    >>> prosody_table().loc["angry", ["f0", "db"]]
                 f0    db
    intensity
    normal      3.5   9.0
    strong     10.5  22.0
    """
    table = pd.DataFrame.from_dict(PROSODY, orient="index", columns=list(CUES), dtype=float)
    names = [(emotion, INTENSITIES[intensity]) for emotion, intensity in PROSODY]
    return table.set_axis(pd.MultiIndex.from_tuples(names, names=["emotion", "intensity"]))


def cue_table():
    """What each column of the table of prosody means, how much it varies, and its limits (Lesson 02).

    >>> cue_table().loc["pause", "meaning"]
    'pause inside the sentence, seconds'
    """
    return pd.DataFrame.from_dict(CUES, orient="index", columns=list(Cue._fields)).rename_axis("cue")


def vad_table():
    """Valence, arousal and dominance of each emotion at strong intensity, from -1 to 1 (Lesson 03).

    >>> vad_table().loc[["sad"]]
             valence  arousal  dominance
    emotion
    sad        -0.63    -0.27      -0.33
    """
    columns = ["valence", "arousal", "dominance"]
    return pd.DataFrame.from_dict(VAD, orient="index", columns=columns, dtype=float).rename_axis("emotion")
