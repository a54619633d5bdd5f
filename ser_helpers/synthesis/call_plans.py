"""The course of a call: who says what to whom, and what each feels, along a story of `calls.toml`.

When a supervisor should be told is a written rule on what the customer feels: as soon as they have spoken for `HELD`
seconds in turns that are all angry or frustrated, no other turn of theirs between. A short flare is not enough.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .chance import stream
from .feelings import WORDS, drift, names

#: The emotions of `feelings.CENTRES` by the four names of Part 4; the rest have the name of the nearest of these.
FOUR = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
#: The stories of twenty calls in a row: in half of them the anger persists.
STORIES = (
    *("rising", "calm", "flare", "calmed", "glad", "rising", "calm", "calmed", "sad", "rising"),
    *("soothed", "rising", "calm", "flare", "calmed", "rising", "glad", "calmed", "rising", "sad"),
)
HELD = 8.0  # seconds
MOST = {"agent": 2, "customer": 3}  # sentences in a turn
CALLS_TOML = Path(__file__).with_name("calls.toml")


class CallTurn(NamedTuple):
    """One turn of a call, before it is spoken."""

    party: str
    lines: list
    feeling: tuple

    @property
    def emotion(self):
        """Angry, happy, neutral or sad."""
        return next(FOUR[name] for name in names(self.feeling)[0] if name in FOUR)


@cache
def book():
    """The tables of `calls.toml`: ``acts`` and ``stories``."""
    return tomllib.loads(CALLS_TOML.read_text(encoding="utf-8"))


def every_sentence():
    """Every sentence that a call may hold, once, in the order of the file.

    >>> every_sentence()[0]
    'Thank you for calling, how can I help?'
    """
    return list(dict.fromkeys(line for act in book()["acts"].values() for line in act["lines"]))


def story(number):
    """The story of call `number`, 1 and up.

    >>> story(1)
    'rising'
    """
    return STORIES[(number - 1) % len(STORIES)]


def plan(number, seed=0):
    """The turns of call `number`.

    >>> [turn.party for turn in plan(1)[:2]]
    ['agent', 'customer']
    """
    rng, turns, said = stream("call", number, seed), [], set()
    feels = {"agent": np.zeros(3), "customer": np.zeros(3)}
    for act in _acts(book()["stories"][story(number)], rng):
        party, goal, lines = (book()["acts"][act][key] for key in ("party", "feels", "lines"))
        other = "agent" if party == "customer" else "customer"
        feels[party] = drift(feels[party], WORDS[goal], feels[other], rng)
        fresh = [line for line in lines if line not in said] or lines
        wanted = 1 if len(turns) < 2 else rng.integers(2 if party == "customer" else 1, MOST[party] + 1)
        chosen = [str(line) for line in rng.permutation(fresh)[:wanted]]
        said.update(chosen)
        turns.append(CallTurn(party, chosen, tuple(feels[party].round(3).tolist())))
    return turns


def _acts(stages, rng):
    for least, most, *acts in stages:
        yield from acts * int(rng.integers(least, most + 1))


def alert(turns):
    """Start, onset and end in seconds of the customer's first lasting anger; NaN three times where there is none.

    `turns` are rows of (party, start, end, emotion). It starts with the first angry turn, is due after `HELD` seconds
    of angry speech, and ends with the last angry turn.

    >>> alert([("customer", 0, 5, "angry"), ("agent", 5, 7, "neutral"), ("customer", 7, 12, "angry")])
    (0, 10.0, 12)
    """
    start = onset = end = np.nan
    held = 0.0
    for party, first, last, emotion in turns:
        if party != "customer":
            continue
        if emotion != "angry":
            if not np.isnan(onset):
                break
            held = 0.0
            continue
        start = first if held == 0 else start
        if held < HELD <= held + last - first:
            onset = first + HELD - held
        held, end = held + last - first, last
    return (start, onset, end) if not np.isnan(onset) else (np.nan,) * 3
