"""SAVEE: four Englishmen, seven emotions, files like ``DC/a01.wav`` or ``DC_a01.wav`` (Haq & Jackson 2010).

The letters are the emotion, the digits the sentence: 15 for each emotion and 30 for neutral. Three of the sentences are
said in every emotion, but the files do not say which, so the sentences of each emotion have their own names here.
"""

import re

from ser_helpers.corpora import files

NAME = re.compile(r"(?:(DC|JE|JK|KL)_)?(sa|su|[adfhn])(\d\d)", re.IGNORECASE)
EMOTIONS = {
    "n": "neutral",
    "h": "happiness",
    "sa": "sadness",
    "a": "anger",
    "f": "fear",
    "d": "disgust",
    "su": "surprise",
}
SPEAKERS = ("savee-DC", "savee-JE", "savee-JK", "savee-KL")


def load(root):
    """The utterance table of the SAVEE files under `root`, and notes on what is odd there."""
    return files.read(root, "savee", _row)


def _row(path):
    match = NAME.fullmatch(path.stem)
    speaker = (match[1] or path.parent.name).upper() if match else None
    if f"savee-{speaker}" not in SPEAKERS:
        return "left out because they are not named like DC_a01.wav or DC/a01.wav"
    emotion, sentence = match[2].lower(), match[3]
    return {
        "utterance": f"{speaker}_{emotion}{sentence}",
        "speaker": f"savee-{speaker}",
        "gender": "male",
        "statement": f"savee-{emotion}{sentence}",
        "language": "en",
        "emotion": EMOTIONS[emotion],
    }
