"""The course of a podcast's episode: who says what and when, what each feels meanwhile, and who laughs about it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .acting import MARGIN, speak
from .chance import stream
from .feelings import WORDS, drift, names
from .frames import SAMPLE_RATE
from .jingles import jingle
from .laughs import laughter
from .lines import mood_of, stock
from .speakers import speaker

PROGRAMME = Path(__file__).with_name("shows.toml")
HOSTS = (41, 42)
GROUPS = {"neu": "neutral", "hap": "happy", "exc": "happy", "sad": "sad", "ang": "angry", "fru": "angry"}
BEFORE = 0.5  # seconds of quiet before the first jingle, around each, and after the last
JINGLE_NOTES = {"first": 8, "between": 4, "last": 8}
HELD = 0.65  # share of sentences after which somebody else speaks
GAP, GAP_SPREAD, LEAST_GAP, MOST_GAP = 0.3, 0.2, 0.02, 0.9  # seconds between sentences
FUNNY = 0.45  # share of happy sentences that somebody laughs about
SHARED, JOINING = 0.4, 0.75  # share of laughs that others may join, and of the others who do
OVER = 0.5  # share of laughs over which the talk goes on
LAUGHS, LAUGHS_SPREAD, SHORTEST, LONGEST = 1.2, 0.7, 0.35, 6  # seconds: median, and spread of the logarithm
DELAY = 0.25  # seconds by which the others join later, at most
UNDER = 0.4  # x amplitude of a laugh that goes on under somebody's words


class Sound(NamedTuple):
    """Something to be heard in an episode, at 16 kHz."""

    start: float  # seconds
    y: np.ndarray
    kind: str  # "speech", "laughter" or "jingle"
    actor: int | None = None
    text: str | None = None
    feeling: tuple | None = None


@cache
def programme():
    """The tables of `shows.toml`: ``title``, ``description``, ``people`` and ``episodes``."""
    return tomllib.loads(PROGRAMME.read_text(encoding="utf-8"))


def name(actor):
    """What an actor of the show is called.

    >>> name(41)
    'Ben'
    """
    return programme()["people"][str(actor)]


def group(feeling):
    """Which of angry, happy, neutral and sad a feeling is nearest to; frustration counts as anger.

    >>> group((-0.5, 0.1, 0.1))
    'angry'
    """
    return next(GROUPS[code] for code in names(feeling)[0] if code in GROUPS)


def episode(number, seconds, seed=0):
    """The sounds of episode 1–6 in the order of their starts, and its length; about so many seconds of talk.

    >>> sounds, length = episode(1, 10)
    >>> sounds[0].kind, length > 10
    ('jingle', True)
    """
    plan = programme()["episodes"][number - 1]
    return _Recording(number, (*HOSTS, plan["guest"]), seed).run(plan["parts"], seconds)


class _Recording:
    """An episode in the making: the clock, what has been heard, and how everybody feels."""

    def __init__(self, number, actors, seed):
        self.number, self.actors, self.seed = number, actors, seed
        self.rng = stream("episode", number, seed)
        self.now, self.sounds, self.said = 0.0, [], set()
        self.feels = {actor: np.zeros(3) for actor in actors}
        self.speaking = actors[0]

    def run(self, parts, seconds):
        self.play("first")
        for k, acts in enumerate(parts):
            if k:
                self.play("between")
            for goals in acts:
                self.act(dict(zip(self.actors, goals, strict=True)), seconds / len(parts) / len(acts))
        self.play("last")
        return sorted(self.sounds, key=lambda sound: sound.start), float(self.now)

    def play(self, where):
        tune = jingle(JINGLE_NOTES[where])
        self.now = max([self.now, *(sound.start + len(sound.y) / SAMPLE_RATE for sound in self.sounds)]) + BEFORE
        self.sounds.append(Sound(float(self.now), tune, "jingle"))
        self.now += len(tune) / SAMPLE_RATE + BEFORE

    def act(self, goals, seconds):
        end = self.now + seconds
        while self.now < end:
            feeling = self.sentence(goals)
            if group(feeling) == "happy" and self.rng.random() < FUNNY:
                self.amuse()
            if self.rng.random() < HELD:
                self.speaking = int(self.rng.choice([actor for actor in self.actors if actor != self.speaking]))

    def sentence(self, goals):
        """One sentence of who is speaking; returns the feeling it was said with."""
        actor, others = self.speaking, [self.feels[a] for a in self.actors if a != self.speaking]
        self.feels[actor] = drift(self.feels[actor], WORDS[goals[actor]], np.mean(others, 0), self.rng)
        feeling = tuple(self.feels[actor].round(3).tolist())
        mood = mood_of(self.rng, names(feeling)[0][0])
        line = self.line(mood)
        ironic = mood == "praise" and feeling[0] < 0
        rng = stream("sentence", self.number, len(self.sounds), self.seed)
        y = speak([line], actor, feeling, ironic, rng, self.seed)[MARGIN:-MARGIN]
        self.sounds.append(Sound(float(self.now), y, "speech", actor, line, feeling))
        self.now += len(y) / SAMPLE_RATE + np.clip(self.rng.normal(GAP, GAP_SPREAD), LEAST_GAP, MOST_GAP)
        return feeling

    def line(self, mood):
        """A line of this mood, if possible one that this episode has not heard."""
        lines = stock()["open"] if mood == "open" else stock()["improvised"][mood]
        line = str(self.rng.choice([line for line in lines if line not in self.said] or lines))
        self.said.add(line)
        return line

    def amuse(self):
        """Somebody laughs, others may join, and the talk waits for them or goes on."""
        willing = [actor for actor in self.actors if group(self.feels[actor]) != "angry"]
        first = int(self.rng.choice(willing))
        together = [first]
        if self.rng.random() < SHARED:
            together += [actor for actor in willing if actor != first and self.rng.random() < JOINING]
        over = self.rng.random() < OVER
        seconds = np.clip(LAUGHS * np.exp(self.rng.normal(0, LAUGHS_SPREAD)), SHORTEST, LONGEST)
        for k, actor in enumerate(together):
            rng = stream("laughter", self.number, len(self.sounds), self.seed)
            y = laughter(speaker(actor, self.seed), seconds * (1 if k == 0 else rng.uniform(0.6, 1)), rng)
            start = self.now + (rng.uniform(0.05, DELAY) if k else 0)
            self.sounds.append(Sound(float(start), (UNDER if over else 1) * y, "laughter", actor))
        longest = max(sound.start + len(sound.y) / SAMPLE_RATE for sound in self.sounds[-len(together) :])
        self.now += (longest - self.now) * (self.rng.uniform(0.1, 0.5) if over else 1) + 0.1
