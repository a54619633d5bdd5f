"""The course of a conversation: who says what, and what each of the two feels meanwhile.

A scripted dialogue has the same words in every session, as in IEMOCAP; its bitter lines are played hurt or furious, as
a pair reads the scene. An improvised one has a scene of four acts, and a session's own words.

What two people in conversation feel, turn by turn: points in the space of valence, arousal and dominance.

A feeling is a point from -1 to 1 on each axis; its name is that of the nearest centre. Feelings persist: each turn goes
part of the way to what the scene asks for, is drawn a little towards the partner's feeling, and wanders.

What is said in the embedded conversations: the sentences of `lines.toml`, and which of them fits a feeling.

Valence is mostly in the words: a line of good news is nearly always happy. Which unhappy feeling it is, and whether a
short reply is fine or furious, the words leave to the voice. Praise is for joy and, meant as blame, for anger.

Three raters who hear what was felt, each a little differently, and the file that keeps their answers.

The format is that of IEMOCAP's ``dialog/EmoEvaluation`` (Busso et al. 2008, doi:10.1007/s10579-008-9076-6).
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
HELD = 0.75  # share of improvised turns spoken by the other person than the last


class Turn(NamedTuple):
    """One turn of a conversation, before it is spoken."""

    name: str
    sex: str
    lines: list
    mood: str
    feeling: tuple

    @property
    def ironic(self):
        """Whether this is praise meant as blame."""
        return self.mood == "praise" and self.feeling[0] < 0


def dialogue(session, marked, title, seed=0):
    """The turns of one dialogue: `marked` (F or M) wears the markers and plays A, the other B.

    >>> [(turn.sex, turn.lines[0]) for turn in list(dialogue(1, "F", "script01_1"))[:2]]
    [('F', "You're home early."), ('M', 'They closed the office at noon.')]
    """
    name = f"Ses{session:02d}{marked}_{title}"
    rng = make_rng("dialogue", name, seed)
    parts = {"A": marked, "B": "M" if marked == "F" else "F"}
    played = _scripted(title, rng) if title in stock()["scripts"] else _improvised(title, session, rng)
    counts = dict.fromkeys("FM", 0)
    for part, lines, mood, feeling in played:
        sex = parts[part]
        yield Turn(f"{name}_{sex}{counts[sex]:03d}", sex, lines, mood, tuple(feeling.round(3).tolist()))
        counts[sex] += 1


def titles():
    """The dialogues that each actor with markers plays.

    >>> titles()[0]
    'script01_1'
    """
    return [*stock()["scripts"], *stock()["scenes"]]


def _scripted(title, rng):
    bitter, cheer, scorn = rng.choice(["sad", "ang", "fru"]), rng.choice(["hap", "exc"]), rng.choice(["ang", "fru"])
    goals = {**WORDS, "positive": cheer, "bitter": bitter, "praise": scorn}
    feels, last = {"A": np.zeros(3), "B": np.zeros(3)}, {"A": "neu", "B": "neu"}
    for part, mood, line in stock()["scripts"][title]:
        last[part] = goals.get(mood, last[part])
        feels[part] = drift(feels[part], last[part], feels["B" if part == "A" else "A"], rng)
        yield part, [line], mood, feels[part]


def _improvised(title, session, rng):
    acts = stock()["scenes"][title]
    feels, said, part = {"A": np.zeros(3), "B": np.zeros(3)}, set(), "A"
    for k in range(TURNS):
        goals = dict(zip("AB", acts[k * len(acts) // TURNS], strict=True))
        feels[part] = drift(feels[part], WORDS[goals[part]], feels["B" if part == "A" else "A"], rng)
        mood = mood_of(rng, names(feels[part])[0][0])
        lines = [improvise(rng, mood, session, said)]
        if mood != "open" and rng.random() < REPLY:
            lines = [improvise(rng, "open", session, said), *lines]
        said.update(lines)
        yield part, lines, mood, feels[part]
        if rng.random() < HELD:
            part = "B" if part == "A" else "A"


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


#: How often each feeling is put into lines of each mood, when it is improvised.
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
#: Short replies that every session may use; of the other moods each session has lines of its own.
SHARED = ("open", "praise")
SENTENCES = Path(__file__).with_name("lines.toml")


@cache
def stock():
    """The tables of `lines.toml`: ``open``, ``improvised`` by mood, ``scripts``, ``scenes``."""
    return tomllib.loads(SENTENCES.read_text(encoding="utf-8"))


def every_line():
    """Every sentence of the stock once, in the order of the file.

    >>> every_line()[:2]
    ['Really?', "I'm fine."]
    """
    improvised = [text for lines in stock()["improvised"].values() for text in lines]
    scripted = [text for script in stock()["scripts"].values() for _, _, text in script]
    return list(dict.fromkeys([*stock()["open"], *improvised, *scripted]))


def mood_of(rng, feeling):
    """The mood of an improvised line for this feeling, drawn by chance."""
    moods = MOODS[feeling]
    return str(rng.choice(list(moods), p=list(moods.values())))


def improvise(rng, mood, session, said):
    """A line of this mood from what session 1–5 may say, not one of `said` as long as there is another."""
    lines = stock()["open"] if mood == "open" else stock()["improvised"][mood]
    own = lines if mood in SHARED else lines[session - 1 :: 5]
    return str(rng.choice([line for line in own if line not in said] or own))


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
    bias = make_rng("rater", rater, seed).normal(0, BIAS, 3)
    return _answer(point + bias + make_rng("rating", rater, turn, seed).normal(0, NOISE, 3))


def rate_oneself(point, turn, seed=0):
    """What the actor says of the own turn: a `Rating`."""
    return _answer(point + make_rng("own rating", turn, seed).normal(0, OWN_NOISE, 3))


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
