"""RAVDESS: 24 actors, two sentences, eight emotions, file names of seven numbers (Livingstone & Russo 2018).

``03-01-06-02-01-02-12.wav`` is audio only (03), speech (01), fearful (06), strong (02), the first sentence (01), its
second repetition (02), by actor 12; even-numbered actors are women. https://doi.org/10.1371/journal.pone.0196391
"""

import re

from ser_helpers.corpora import files

NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
EMOTIONS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
        strict=True,
    )
)
INTENSITIES = {"01": "normal", "02": "strong"}
TEXTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
SPEAKERS = tuple(f"ravdess-{actor:02d}" for actor in range(1, 25))


def load(root, corpus="ravdess"):
    """The utterance table of the RAVDESS files under `root`, and notes on what is odd there.

    Extra columns: ``intensity`` ("normal" or "strong") and ``repetition`` (1 or 2).
    """
    return files.read(root, corpus, lambda path: _row(path, corpus), suffixes=(*files.AUDIO, ".mp4"))


def _row(path, corpus):
    match = NAME.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like 03-01-06-01-02-01-12.wav"
    modality, channel, emotion, intensity, statement, repetition, actor = match.groups()
    if modality != "03" or channel != "01":
        return "left out because they are song or video, not recordings of speech"
    if emotion not in EMOTIONS or intensity not in INTENSITIES or statement not in TEXTS:
        return "left out because their names hold a number that RAVDESS does not use"
    return {
        "speaker": f"{corpus}-{actor}",
        "gender": "male" if int(actor) % 2 else "female",
        "statement": f"ravdess-{int(statement)}",
        "text": TEXTS[statement],
        "language": "en",
        "emotion": EMOTIONS[emotion],
        "intensity": INTENSITIES[intensity],
        "repetition": int(repetition),
    }
