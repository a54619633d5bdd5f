"""Conversations before they are spoken: the words, the emotions turn by turn, and three raters' labels.

*Emotions* are points of valence, arousal and dominance, each from -1 to 1, named after the nearest centre. They
persist: each turn goes part of the way to what the scene asks for, a little towards the partner's point, and wanders.

*Words* are the sentences of `lines.toml`. Most of the valence is in them: a line of good news is nearly always happy.
They do not tell which unhappy emotion it is, or whether a short reply is fine or furious. Praise is for joy and, meant
as blame, for anger. A scripted dialogue has the same words in every session, as in IEMOCAP; its bitter lines are played
sad, angry or frustrated. An improvised one has a scene of four acts, and each session's own words.

*Raters* perceive each turn with a bias and noise of their own; their labels are written in the format of IEMOCAP's
``dialog/EmoEvaluation`` (Busso et al. 2008, doi:10.1007/s10579-008-9076-6).
"""

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ser_helpers.synthesis.rng import make_rng

TURNS = 10  # of an improvised dialogue
REPLY = 0.15  # share of improvised turns that begin with a short reply
ALTERNATING = 0.75  # share of improvised turns after which the partner speaks


class Turn(NamedTuple):
    """One turn of a conversation, before it is spoken."""

    name: str
    sex: str
    lines: list
    mood: str
    vad: tuple

    @property
    def ironic(self):
        """Whether this is praise meant as blame."""
        return self.mood == "praise" and self.vad[0] < 0


def dialogue(session, marked, title, seed=0):
    """The turns of one dialogue: `marked` (F or M) wears the markers and plays A, the other B.

    >>> [(turn.sex, turn.lines[0]) for turn in list(dialogue(1, "F", "script01_1"))[:2]]
    [('F', "You're home early."), ('M', 'They closed the office at noon.')]
    """
    name = f"Ses{session:02d}{marked}_{title}"
    rng = make_rng("dialogue", name, seed)
    parts = {"A": marked, "B": "M" if marked == "F" else "F"}
    turns = _scripted(title, rng) if title in stock()["scripts"] else _improvised(title, session, rng)
    counts = dict.fromkeys("FM", 0)
    for part, lines, mood, vad in turns:
        sex = parts[part]
        yield Turn(f"{name}_{sex}{counts[sex]:03d}", sex, lines, mood, tuple(vad.round(3).tolist()))
        counts[sex] += 1


def titles():
    """The dialogues that each actor with markers plays."""
    return [*stock()["scripts"], *stock()["scenes"]]


def _scripted(title, rng):
    bitter, cheer, scorn = rng.choice(["sad", "ang", "fru"]), rng.choice(["hap", "exc"]), rng.choice(["ang", "fru"])
    goals = {**WORDS, "positive": cheer, "bitter": bitter, "praise": scorn}
    vad, goal = {"A": np.zeros(3), "B": np.zeros(3)}, {"A": "neu", "B": "neu"}
    for part, mood, line in stock()["scripts"][title]:
        goal[part] = goals.get(mood, goal[part])  # an open line leaves it as it was
        vad[part] = drift(vad[part], goal[part], vad["B" if part == "A" else "A"], rng)
        yield part, [line], mood, vad[part]


def _improvised(title, session, rng):
    acts = stock()["scenes"][title]
    vad, used, part = {"A": np.zeros(3), "B": np.zeros(3)}, set(), "A"
    for k in range(TURNS):
        goals = dict(zip("AB", acts[k * len(acts) // TURNS], strict=True))
        vad[part] = drift(vad[part], WORDS[goals[part]], vad["B" if part == "A" else "A"], rng)
        mood = mood_of(rng, nearest_emotions(vad[part])[0][0])
        lines = [improvise(rng, mood, session, used)]
        if mood != "open" and rng.random() < REPLY:
            lines = [improvise(rng, "open", session, used), *lines]
        used.update(lines)
        yield part, lines, mood, vad[part]
        if rng.random() < ALTERNATING:
            part = "B" if part == "A" else "A"


#: Valence, arousal, dominance at the centre of each emotion, in IEMOCAP's words; the positions are ours.
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
RARE = {"sur": 0.20, "fea": 0.20, "dis": 0.25}  # added to the distance: labels that raters seldom give
WORDS = {"neutral": "neu", "happy": "hap", "excited": "exc", "sad": "sad", "angry": "ang", "frustrated": "fru"}

PERSISTENCE, CONTAGION, WANDER = 0.22, 0.10, 0.13

_POINTS = np.array(list(CENTRES.values()))
_PENALTY = np.array([RARE.get(name, 0) for name in CENTRES])


def nearest_emotions(vad):
    """The emotions by distance from a point of valence, arousal and dominance, nearest first, and their distances."""
    distance = np.linalg.norm(_POINTS - vad, axis=1) + _PENALTY
    order = np.argsort(distance)
    return [list(CENTRES)[k] for k in order], distance[order]


def drift(vad, goal, partner, rng):
    """(3,) the next point, from the last one, the emotion that the scene asks for, and the partner's point."""
    step = (1 - PERSISTENCE) * (np.array(CENTRES[goal]) - vad) + CONTAGION * (partner - vad)
    return np.clip(vad + step + rng.normal(0, WANDER, 3), -1, 1)


#: How often an improvised line for each emotion is of each mood.
MOODS = {
    "neu": {"neutral": 0.80, "open": 0.14, "positive": 0.03, "negative": 0.03},
    "hap": {"positive": 0.60, "praise": 0.12, "open": 0.16, "neutral": 0.12},
    "exc": {"positive": 0.66, "praise": 0.12, "open": 0.16, "neutral": 0.06},
    "sad": {"sad": 0.46, "negative": 0.28, "open": 0.16, "neutral": 0.10},
    "ang": {"angry": 0.38, "negative": 0.26, "open": 0.14, "praise": 0.18, "neutral": 0.04},
    "fru": {"angry": 0.26, "negative": 0.36, "open": 0.14, "praise": 0.14, "neutral": 0.10},
    "sur": {"open": 0.50, "positive": 0.20, "negative": 0.15, "neutral": 0.15},
    "fea": {"negative": 0.50, "open": 0.30, "sad": 0.20},
    "dis": {"negative": 0.50, "angry": 0.25, "praise": 0.25},
}
#: Moods whose lines every session may use; of the others, each session has its own.
SHARED = ("open", "praise")
SENTENCES = Path(__file__).with_name("lines.toml")


@cache
def stock():
    """The tables of `lines.toml`: ``open``, ``improvised`` by mood, ``scripts``, ``scenes``."""
    return tomllib.loads(SENTENCES.read_text(encoding="utf-8"))


def every_line():
    """Every sentence of the stock once, in the order of the file."""
    improvised = [text for lines in stock()["improvised"].values() for text in lines]
    scripted = [text for script in stock()["scripts"].values() for _, _, text in script]
    return list(dict.fromkeys([*stock()["open"], *improvised, *scripted]))


def mood_of(rng, emotion):
    """The mood of an improvised line for this emotion, drawn at random."""
    moods = MOODS[emotion]
    return str(rng.choice(list(moods), p=list(moods.values())))


def improvise(rng, mood, session, used):
    """A line of this mood for session 1–5, not one of `used` as long as there is another."""
    lines = stock()["open"] if mood == "open" else stock()["improvised"][mood]
    own = lines if mood in SHARED else lines[session - 1 :: 5]
    return str(rng.choice([line for line in own if line not in used] or own))


RATERS = 3
BIAS, NOISE, OWN_NOISE = 0.10, 0.28, 0.12  # of a rater, of each rating, of the actor's self-report
SECOND = 0.06  # an emotion this little farther than the nearest is named, too
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
    """One rater's labels of one turn."""

    emotions: list  # one name, or two where two fit
    scores: list  # valence, arousal and dominance, whole numbers from 1 to 5


def rate(vad, rater, turn, seed=0):
    """The `Rating` of rater 1–3 for a turn with this valence, arousal and dominance."""
    bias = make_rng("rater", rater, seed).normal(0, BIAS, 3)
    return _rating(vad + bias + make_rng("rating", rater, turn, seed).normal(0, NOISE, 3))


def rate_oneself(vad, turn, seed=0):
    """The actor's own `Rating` of the turn."""
    return _rating(vad + make_rng("own rating", turn, seed).normal(0, OWN_NOISE, 3))


def _rating(perceived):
    emotions, distances = nearest_emotions(perceived)
    both = distances[1] - distances[0] < SECOND
    scores = np.clip(np.rint(3 + 2 * np.array(perceived)), 1, 5).astype(int)
    return Rating(emotions[: 1 + both], scores.tolist())


def consensus(ratings):
    """The emotion that most raters named; ``xxx`` if no single one was named by more than half of them.

    >>> consensus([Rating(["sad"], []), Rating(["sad", "neu"], []), Rating(["neu"], [])])
    'xxx'
    """
    (first, votes), *others = Counter(name for rating in ratings for name in rating.emotions).most_common()
    tied = bool(others) and others[0][1] == votes
    return "xxx" if tied or votes <= len(ratings) / 2 else first


def evaluation(turn, start, end, ratings, own, sex):
    """The block of an evaluation file for one turn; `own` is the actor's own `Rating`."""
    mean = np.mean([rating.scores for rating in ratings], axis=0)
    dimensions = ", ".join(f"{value:.4f}" for value in mean)
    raters = [*((f"E{number}", rating) for number, rating in enumerate(ratings, 1)), (f"{sex}1", own)]
    lines = [f"[{start:.4f} - {end:.4f}]\t{turn}\t{consensus(ratings)}\t[{dimensions}]"]
    lines += [f"C-{rater}:\t{' '.join(f'{LABELS[name]};' for name in rating.emotions)}\t()" for rater, rating in raters]
    lines += ["A-{}:\tval {}; act {}; dom  {};\t()".format(rater, *rating.scores) for rater, rating in raters]
    return "\n".join(lines) + "\n"
