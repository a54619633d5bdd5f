"""IEMOCAP: ten actors talk in pairs, improvising or from scripts; raters judge each turn (Busso et al. 2008).

``Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`` holds a block for each turn: its times and name, the emotion most
raters chose (``xxx`` when no majority did), the mean valence, activation and dominance, and then each rater's choice::

    [6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
    C-E2:	Neutral;	()
    C-F1:	Neutral;	(curious)

``C-E`` are the raters, ``C-F`` and ``C-M`` the actors' own judgement, which is left out. The recording is
``Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav``: the last part names the speaker, the first the actor
who wore the markers. https://doi.org/10.1007/s10579-008-9076-6
"""

import re
from pathlib import Path

from ser_helpers.corpora import files
from ser_helpers.errors import CorpusMissing

TURN = re.compile(r"\[[\d.]+ - [\d.]+\]\s+(Ses\w+)\s+(\w+)\s+\[([\d.]+), ([\d.]+), ([\d.]+)\]")
VOTE = re.compile(r"C-E\d+:\s*([^(]*)")
WORDS = re.compile(r"(Ses\w+) \[[^]]*\]:\s*(.*)")
UTTERANCE = re.compile(r"(Ses0([1-5])[FM]_(impro|script)\w*)_([FM])\w+")
SPEAKERS = tuple(f"iemocap-{session}{sex}" for session in "12345" for sex in "FM")


def load(root):
    """The utterance table of the IEMOCAP sessions under `root`, and notes on what is odd there.

    Extra columns: ``votes``, each rater's choice, as in ``"Neutral|Neutral|Neutral+Anger"``; ``dialogue``; and
    ``scripted``, whether the actors followed a script. Turns that nobody rated are left out.
    """
    ratings = _ratings(root)
    if not ratings:
        raise CorpusMissing(
            f"There is no Session1/dialog/EmoEvaluation/*.txt of IEMOCAP in {root}: it holds the labels."
        )
    texts = _texts(root)
    return files.read(root, "iemocap", lambda path: _row(path, ratings, texts))


def _row(path, ratings, texts):
    if "sentences" not in path.parts:
        return None
    match = UTTERANCE.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like Ses01F_impro01_F000.wav"
    if path.stem not in ratings:
        return "left out because there is no rating of them"
    dialogue, session, kind, sex = match.groups()
    return {
        "speaker": f"iemocap-{session}{sex}",
        "gender": "female" if sex == "F" else "male",
        "session": f"iemocap-{session}",
        "text": texts.get(path.stem),
        "language": "en",
        **ratings[path.stem],
        "dialogue": dialogue,
        "scripted": kind == "script",
    }


def _ratings(root):
    """What the evaluation files say: {turn: its emotion, dimensions and votes}."""
    ratings = {}
    for line in _lines(root, "EmoEvaluation"):
        turn, vote = TURN.match(line), VOTE.match(line)
        if turn:
            name, emotion, *dimensions = turn.groups()
            valence, arousal, dominance = map(float, dimensions)
            rating = {"emotion": emotion, "valence": valence, "arousal": arousal, "dominance": dominance, "votes": ""}
            ratings[name] = rating
        elif vote and ratings:
            chosen = "+".join(word.strip() for word in vote[1].split(";") if word.strip())
            rating["votes"] = "|".join(filter(None, (rating["votes"], chosen)))
    return ratings


def _texts(root):
    return dict(match.groups() for line in _lines(root, "transcriptions") if (match := WORDS.match(line)))


def _lines(root, folder):
    """The lines of each dialogue's text file in the sessions' `folder`."""
    for path in sorted(Path(root).glob(f"**/Session[1-5]/dialog/{folder}/Ses*.txt")):
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()
