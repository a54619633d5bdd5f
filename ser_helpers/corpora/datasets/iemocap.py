"""IEMOCAP: ten actors talk in pairs, improvising or from scripts; raters label each turn (Busso et al. 2008).

``Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`` has a block for each turn: its times and name, the emotion most
raters chose (``xxx`` when no majority did), the mean valence, activation and dominance, and then each rater's choice
and scores::

    [6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
    C-E2:	Neutral;	()
    C-F1:	Neutral;	(curious)
    A-E3:	val 3; act 2; dom  2;	()

``E`` are the raters, ``F`` and ``M`` the actors' self-reports, which are left out. The recording is
``Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav``: the last part names the speaker, the first the actor
who wore the markers. https://doi.org/10.1007/s10579-008-9076-6
"""

import re
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from ser_helpers.corpora import files
from ser_helpers.errors import CorpusError, CorpusMissing

NUMBER = r"(\d+(?:\.\d*)?)"
TURN = re.compile(rf"\[{NUMBER} - {NUMBER}\]\s+(Ses\w+)\s+(\w+)\s+\[{NUMBER}, {NUMBER}, {NUMBER}\]")
VOTE = re.compile(r"C-(E\d+):\s*([^(]*)")
SCORES = re.compile(r"A-(E\d+):\s*val\s*(\d?);\s*act\s*(\d?);\s*dom\s*(\d?);")
WORDS = re.compile(r"(Ses\w+) \[[^]]*\]:\s*(.*)")
UTTERANCE = re.compile(r"(Ses0([1-5])[FM]_(impro|script)\w*)_([FM])\w+")
SPEAKERS = tuple(f"iemocap-{session}{sex}" for session in "12345" for sex in "FM")
SCALES = ("ratings_valence", "ratings_arousal", "ratings_dominance")
#: IEMOCAP's labels, by the raters' choices.
CHOICES = {"Neutral": "neu", "Happiness": "hap", "Excited": "exc", "Sadness": "sad", "Anger": "ang"}
CHOICES |= {"Frustration": "fru", "Fear": "fea", "Disgust": "dis", "Surprise": "sur", "Other": "oth"}


def load(root, corpus="iemocap"):
    """The utterance table of the IEMOCAP sessions under `root`, and notes on what is odd there.

    Extra columns: ``turn_start`` and ``turn_end``, seconds within the dialogue; ``raters``, as in ``"E2|E3|E4"``;
    ``votes``, each rater's choice, as in ``"Neutral|Neutral+Anger|Other"``; ``ratings_valence``, ``ratings_arousal``
    and ``ratings_dominance``, each rater's score, as in ``"|3|2"`` where the first gave none; ``dialogue``; and
    ``scripted``, whether the actors followed a script. Turns without ratings are left out. `ratings` lists
    the raters one by one.
    """
    rated = _ratings(root)
    if not rated:
        raise CorpusMissing(
            f"There is no Session1/dialog/EmoEvaluation/*.txt of IEMOCAP in {root}: it contains the labels."
        )
    texts = dict(match.groups() for line in _lines(root, "transcriptions") if (match := WORDS.match(line)))
    return files.read(root, corpus, lambda path: _row(path, corpus, rated, texts))


def _row(path, corpus, rated, texts):
    if "sentences" not in path.parts:
        return None
    match = UTTERANCE.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like Ses01F_impro01_F000.wav"
    if path.stem not in rated:
        return "left out because there is no rating of them"
    dialogue, session, kind, sex = match.groups()
    return {
        "speaker": f"{corpus}-{session}{sex}",
        "gender": "female" if sex == "F" else "male",
        "session": f"{corpus}-{session}",
        "text": texts.get(path.stem),
        "language": "en",
        **rated[path.stem],
        "dialogue": dialogue,
        "scripted": kind == "script",
    }


def _ratings(root):
    """From the evaluation files: {turn: its emotion, dimensions, times, and each rater's answers}."""
    rated = {}
    for block in _blocks(_lines(root, "EmoEvaluation")):
        start, end, name, emotion, valence, arousal, dominance = TURN.match(block[0]).groups()
        votes = {match[1]: _chosen(match[2]) for line in block if (match := VOTE.match(line))}
        scores = {match[1]: match.groups()[1:] for line in block if (match := SCORES.match(line))}
        raters = list(dict.fromkeys([*votes, *scores]))
        rated[name] = {
            "emotion": emotion,
            "valence": float(valence),
            "arousal": float(arousal),
            "dominance": float(dominance),
            "turn_start": float(start),
            "turn_end": float(end),
            "raters": "|".join(raters),
            "votes": "|".join(votes.values()),
            **{
                scale: "|".join(scores.get(rater, ("", "", ""))[k] for rater in raters)
                for k, scale in enumerate(SCALES)
            },
        }
    return rated


def _blocks(lines):
    """The lines of each turn, which begin with its times and end where another turn begins, readable or not."""
    block = []
    for line in [*lines, "["]:
        if line.startswith("[") or not line.strip():
            if block:
                yield block
            block = [line] if TURN.match(line) else []
        elif block:
            block.append(line)


def _chosen(names):
    """``"Neutral; Anger;"`` as ``"Neutral+Anger"``."""
    return "+".join(name.strip() for name in names.split(";") if name.strip())


def _lines(root, folder):
    """The lines of each dialogue's text file in the sessions' `folder`."""
    for path in sorted(Path(root).glob(f"**/Session[1-5]/dialog/{folder}/Ses*.txt")):
        if path.is_file():
            yield from path.read_text(encoding="utf-8", errors="replace").splitlines()


def ratings(table):
    """One row per utterance and rater of a corpus in IEMOCAP's layout (Lesson 09).

    `table` is from ``corpora.load("iemocap")`` or ``corpora.load("synthetic-iemocap")``, or rows of one. Columns:
    ``utterance``; ``rater``, such as ``"E2"``; ``emotion``, the first choice in the corpus's own words; ``emotions``,
    all choices, as in ``"neu+ang"``; ``valence``, ``arousal`` and ``dominance``, whole numbers from 1 to 5 as floats.
    Answers that a rater did not give are missing. Raises CorpusError if ratings are missing.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-iemocap-small")
    >>> len(corpora.ratings(table)) == 3 * len(table)
    True
    """
    missing = [column for column in ("raters", "votes", *SCALES) if column not in table]
    if missing:
        raise CorpusError(
            f"The table has no column {', '.join(missing)}: load 'iemocap' or 'synthetic-iemocap', which name raters."
        )
    unrated = table.index[table["raters"].isna()]
    if len(unrated):
        raise CorpusError(f"{unrated[0]} names no raters: give the rows of 'iemocap' or 'synthetic-iemocap' alone.")
    rows = [
        row
        for utterance, answers in table[["raters", "votes", *SCALES]].iterrows()
        for row in _rows(utterance, answers)
    ]
    columns = ["utterance", "rater", "emotion", "emotions", "valence", "arousal", "dominance"]
    return pd.DataFrame(rows, columns=columns).astype({"valence": float, "arousal": float, "dominance": float})


def _rows(utterance, answers):
    for rater, vote, *scores in zip_longest(*(answer.split("|") for answer in answers), fillvalue=""):
        chosen = [CHOICES.get(name, "oth") for name in vote.split("+") if name]
        first = chosen[0] if chosen else None
        yield utterance, rater, first, "+".join(chosen) or None, *(score or None for score in scores)
