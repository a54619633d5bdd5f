"""RAVDESS: 24 actors, two sentences, eight emotions, file names of seven numbers (Livingstone & Russo 2018).

``03-01-06-02-01-02-12.wav`` is audio only (03), speech (01), fearful (06), strong (02), the first sentence (01), its
second repetition (02), by actor 12; even-numbered actors are women. https://doi.org/10.1371/journal.pone.0196391
"""

import re

from ser_helpers.corpora import files

NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_WORDS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
EMOTIONS = {f"{code:02d}": word for code, word in enumerate(_WORDS, 1)}
INTENSITIES = {"01": "normal", "02": "strong"}
TEXTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
SPEAKERS = tuple(f"ravdess-{actor:02d}" for actor in range(1, 25))


def load(root, corpus="ravdess", channel="01"):
    """The utterance table of the RAVDESS files under `root`, and notes on what is odd there; channel 02 is song.

    Extra columns: ``intensity`` ("normal" or "strong") and ``repetition`` (1 or 2).
    """
    return files.read(root, corpus, lambda path: _row(path, corpus, channel), suffixes=(*files.AUDIO, ".mp4"))


def _row(path, corpus, wanted):
    match = NAME.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like 03-01-06-01-02-01-12.wav"
    modality, channel, emotion, intensity, statement, repetition, actor = match.groups()
    if modality != "03" or channel != wanted:
        kinds = ("song", "speech") if wanted == "01" else ("speech", "song")
        return "left out because they are {} or video, not recordings of {}".format(*kinds)
    known = emotion in EMOTIONS and intensity in INTENSITIES and statement in TEXTS and f"ravdess-{actor}" in SPEAKERS
    if not known:
        return "left out because their names contain a number that RAVDESS does not use"
    return {
        "speaker": f"{corpus.removesuffix('-song')}-{actor}",
        "gender": "male" if int(actor) % 2 else "female",
        "statement": f"ravdess-{int(statement)}",
        "text": TEXTS[statement],
        "language": "en",
        "emotion": EMOTIONS[emotion],
        "intensity": INTENSITIES[intensity],
        "repetition": int(repetition),
    }
