"""A line with a feeling: what the voice makes of valence and arousal.

Arousal is in the voice: it moves from calm and sad towards happy and angry speech, the rows of `prosody`'s table.
Of the valence the voice tells `TOLD` of what it could: an angry and a happy voice are more alike than in RAVDESS.
Irony sounds lower, slower and louder (Rockwell 2000, doi:10.1023/A:1005120109296), and flat.
"""

import numpy as np

from .feelings import CENTRES
from .frames import SAMPLE_RATE, carrier
from .prosody import CHANCE, CUES, NEUTRAL, PROSODY, Cues, Performance, departure
from .render import render
from .speakers import speaker

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

    >>> from ser_helpers.synthesis.chance import stream
    >>> speak(["Really?"], 31, (-0.6, 0.6, 0.3), False, stream("example")).dtype
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
