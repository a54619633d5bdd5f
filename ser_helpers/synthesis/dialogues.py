"""The course of a conversation: who says what, and what each of the two feels meanwhile.

A scripted dialogue has the same words in every session, as in IEMOCAP; its bitter lines are played hurt or furious, as
a pair reads the scene. An improvised one has a scene of four acts, and a session's own words.
"""

from typing import NamedTuple

import numpy as np

from .chance import stream
from .feelings import WORDS, drift, names
from .lines import improvise, mood_of, stock

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
    rng = stream("dialogue", name, seed)
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
