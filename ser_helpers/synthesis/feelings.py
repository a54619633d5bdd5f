"""What two people in conversation feel, turn by turn: points in the space of valence, arousal and dominance.

A feeling is a point from -1 to 1 on each axis; its name is that of the nearest centre. Feelings persist: each turn goes
part of the way to what the scene asks for, is drawn a little towards the partner's feeling, and wanders.
"""

import numpy as np

#: Valence, arousal, dominance at the centre of each emotion, in IEMOCAP's words; the places are ours.
CENTRES = {
    "neu": (0.0, -0.15, 0.0),
    "hap": (0.60, 0.20, 0.05),
    "exc": (0.75, 0.70, 0.20),
    "sad": (-0.65, -0.55, -0.30),
    "ang": (-0.65, 0.65, 0.40),
    "fru": (-0.45, 0.10, 0.05),
    "sur": (0.10, 0.80, -0.10),
    "fea": (-0.55, 0.60, -0.70),
    "dis": (-0.75, 0.05, 0.45),
}
RARE = {"sur": 0.20, "fea": 0.20, "dis": 0.25}  # added to the distance: what people seldom call by these names
WORDS = {"neutral": "neu", "happy": "hap", "excited": "exc", "sad": "sad", "angry": "ang", "frustrated": "fru"}

PERSISTENCE, CONTAGION, WANDER = 0.22, 0.10, 0.13

_POINTS = np.array(list(CENTRES.values()))
_HANDICAP = np.array([RARE.get(name, 0) for name in CENTRES])


def names(point):
    """The emotions by distance from this point, nearest first, and their distances.

    >>> names((-0.6, 0.6, 0.4))[0][0]
    'ang'
    """
    distance = np.linalg.norm(_POINTS - point, axis=1) + _HANDICAP
    order = np.argsort(distance)
    return [list(CENTRES)[k] for k in order], distance[order]


def drift(point, goal, partner, rng):
    """(3,) the next feeling, from the last one, the emotion that the scene asks for, and the partner's feeling."""
    step = (1 - PERSISTENCE) * (np.array(CENTRES[goal]) - point) + CONTAGION * (partner - point)
    return np.clip(point + step + rng.normal(0, WANDER, 3), -1, 1)
