"""CREMA-D: 91 actors, 12 sentences, six emotions (Cao et al. 2014), named ``1001_DFA_ANG_XX.wav``.

The parts are actor, sentence, emotion and intensity: LO, MD and HI (low, medium, high) for one of the sentences, XX
(unspecified) for the others. Of the published files one ends in a plain X, and 1076_MTI_SAD_XX is silent.

In the publisher's repository, ``VideoDemographics.csv`` describes the actors, and
``processedResults/tabulatedVotes.csv`` counts how many raters chose each emotion. Rows 100001 and following are of
raters who only listened (200001: who saw the face, 300001: both); their majorities are the column VoiceVote of
``summaryTable.csv``, which the README there describes.
https://doi.org/10.1109/TAFFC.2014.2336244
"""

import re

from ser_helpers.corpora import files

NAME = re.compile(r"(10\d\d)_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX?)", re.IGNORECASE)
EMOTIONS = {"NEU": "neutral", "HAP": "happy", "SAD": "sad", "ANG": "anger", "FEA": "fear", "DIS": "disgust"}
INTENSITIES = {"LO": "low", "MD": "medium", "HI": "high"}
TEXTS = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
#: The women's numbers, from the publisher's VideoDemographics.csv; the other actors of 1001 to 1091 are men.
WOMEN = {
    1000 + actor for actor in (2, 3, 4, 6, 7, 8, 9, 10, 12, 13, 18, 20, 21, 24, 25, 28, 29, 30, 37, 43, 46, 47)
} | {1000 + actor for actor in (49, 52, 53, 54, 55, 56, 58, 60, 61, 63, 72, 73, 74, 75, 76, 78, 79, 82, 84, 89, 91)}
SPEAKERS = tuple(f"crema-d-{actor}" for actor in range(1001, 1092))


def load(root):
    """The utterance table of the CREMA-D files under `root`, and notes on what is odd there.

    Extra columns: ``intensity`` ("low", "medium" or "high"; missing where unspecified); where the publisher's tables
    are, the actor's ``age``, ``race`` and ``ethnicity``, and ``votes_anger`` and so on, soft labels by the voice alone.
    """
    top = root.parent if root.name == "AudioWAV" else root
    actors, votes = _actors(top), _votes(top)
    return files.read(root, "crema-d", lambda path: _row(path, actors, votes))


def _actors(root):
    path = files.shallowest(root, "VideoDemographics.csv")
    if path is None:
        return {}
    actors = files.read_labels(path, "crema-d", ["Age", "Race", "Ethnicity"], index_col=0)
    return actors.rename(columns=str.lower).to_dict("index")


def _votes(root):
    path = files.shallowest(root, "tabulatedVotes.csv")
    if path is None:
        return {}
    votes = files.read_labels(path, "crema-d", ["fileName", *"ADFHNS"], index_col=0)
    by_voice = votes[votes.index // 100_000 == 1].set_index("fileName")
    shares = by_voice.div(by_voice.sum(axis=1), axis=0)
    return shares.rename(columns={code[0]: f"votes_{word}" for code, word in EMOTIONS.items()}).to_dict("index")


def _row(path, actors, votes):
    match = NAME.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like 1001_DFA_ANG_XX.wav"
    actor, sentence, emotion, intensity = (part.upper() for part in match.groups())
    if f"crema-d-{actor}" not in SPEAKERS or sentence not in TEXTS or emotion not in EMOTIONS:
        return "left out because their names contain a code that CREMA-D does not use"
    return {
        "speaker": f"crema-d-{actor}",
        "gender": "female" if int(actor) in WOMEN else "male",
        "statement": f"crema-d-{sentence}",
        "text": TEXTS[sentence],
        "language": "en",
        "emotion": EMOTIONS[emotion],
        "intensity": INTENSITIES.get(intensity),
        **actors.get(int(actor), {}),
        **votes.get(path.stem.upper(), {}),
    }
