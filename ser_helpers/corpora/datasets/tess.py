"""TESS: two actresses say 200 words after "Say the word", in seven emotions; files like ``OAF_back_angry.wav``.

OAF is the older actress (64), YAF the younger (26); one published file says OA. ``ps`` is pleasant surprise. Folder
names differ between copies, and are not needed. https://doi.org/10.5683/SP2/E8H2MF
"""

import re

from ser_helpers.corpora import files

NAME = re.compile(r"(OAF?|YAF)_([a-z-]+)_([a-z_]+)", re.IGNORECASE)
EMOTIONS = {word: word for word in ("neutral", "happy", "sad", "angry", "fear", "disgust")} | dict.fromkeys(
    ("ps", "pleasant_surprise", "pleasant_surprised"), "pleasant surprise"
)
SPEAKERS = ("tess-oaf", "tess-yaf")


def load(root):
    """The utterance table of the TESS files under `root`, and notes on what is odd there.

    The statement is the word that was said.
    """
    return files.read(root, "tess", _row)


def _row(path):
    match = NAME.fullmatch(path.stem)
    if not match or match[3].lower() not in EMOTIONS:
        return "left out because they are not named like OAF_back_angry.wav"
    actress, word, emotion = (part.lower() for part in match.groups())
    return {
        "speaker": "tess-yaf" if actress == "yaf" else "tess-oaf",
        "gender": "female",
        "statement": f"tess-{word}",
        "text": f"Say the word {word}.",
        "language": "en",
        "emotion": EMOTIONS[emotion],
    }
