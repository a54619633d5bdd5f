"""What is said in the embedded conversations: the sentences of `lines.toml`, and which of them fits a feeling.

Valence is mostly in the words: a line of good news is nearly always happy. Which unhappy feeling it is, and whether a
short reply is fine or furious, the words leave to the voice. Praise is for joy and, meant as blame, for anger.
"""

import tomllib
from functools import cache
from pathlib import Path

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
