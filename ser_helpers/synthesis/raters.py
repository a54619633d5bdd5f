"""Three raters who hear what was felt, each a little differently, and the file that keeps their answers.

The format is that of IEMOCAP's ``dialog/EmoEvaluation`` (Busso et al. 2008, doi:10.1007/s10579-008-9076-6).
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from .chance import stream
from .feelings import names

RATERS = 3
BIAS, NOISE, OWN_NOISE = 0.10, 0.28, 0.12  # of a rater, of a rater's every answer, of the actor about themself
SECOND = 0.06  # an emotion this little farther than the nearest is named too
LABELS = {
    "neu": "Neutral",
    "hap": "Happiness",
    "exc": "Excited",
    "sad": "Sadness",
    "ang": "Anger",
    "fru": "Frustration",
    "sur": "Surprise",
    "fea": "Fear",
    "dis": "Disgust",
}
HEAD = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"


class Rating(NamedTuple):
    """What one rater says of one turn."""

    emotions: list  # one name, or two where two fit
    scores: list  # valence, arousal and dominance, whole numbers from 1 to 5


def rate(point, rater, turn, seed=0):
    """What rater 1–3 says of a turn in which `point` was felt: a `Rating`.

    >>> rate((-0.7, 0.7, 0.4), 1, "Ses01F_impro01_F001").emotions
    ['ang']
    """
    bias = stream("rater", rater, seed).normal(0, BIAS, 3)
    return _answer(point + bias + stream("rating", rater, turn, seed).normal(0, NOISE, 3))


def rate_oneself(point, turn, seed=0):
    """What the actor says of the own turn: a `Rating`."""
    return _answer(point + stream("own rating", turn, seed).normal(0, OWN_NOISE, 3))


def _answer(heard):
    emotions, distances = names(heard)
    both = distances[1] - distances[0] < SECOND
    scores = np.clip(np.rint(3 + 2 * np.array(heard)), 1, 5).astype(int)
    return Rating(emotions[: 1 + both], scores.tolist())


def consensus(ratings):
    """The emotion that most raters named, ``xxx`` when no single one was named by more than half of them.

    >>> consensus([Rating(["sad"], []), Rating(["sad", "neu"], []), Rating(["neu"], [])])
    'xxx'
    """
    (first, votes), *others = Counter(name for rating in ratings for name in rating.emotions).most_common()
    tied = bool(others) and others[0][1] == votes
    return "xxx" if tied or votes <= len(ratings) / 2 else first


def evaluation(turn, start, end, ratings, own, sex):
    """The block of an evaluation file on one turn; `own` is the actor's own `Rating`, or None."""
    mean = np.mean([rating.scores for rating in ratings], axis=0)
    dimensions = ", ".join(f"{value:.4f}" for value in mean)
    raters = [(f"E{number}", rating) for number, rating in enumerate(ratings, 1)]
    raters += [(f"{sex}1", own)] if own else []
    lines = [f"[{start:.4f} - {end:.4f}]\t{turn}\t{consensus(ratings)}\t[{dimensions}]"]
    lines += [f"C-{who}:\t{' '.join(f'{LABELS[name]};' for name in rating.emotions)}\t()" for who, rating in raters]
    lines += ["A-{}:\tval {}; act {}; dom  {};\t()".format(who, *rating.scores) for who, rating in raters]
    return "\n".join(lines) + "\n"
