"""EmoDB: ten German actors, ten sentences, seven emotions, files like ``03a01Fa.wav`` (Burkhardt et al. 2005).

The parts are speaker, sentence, the German initial of the emotion (Wut, Langeweile, Ekel, Angst, Freude, Trauer,
neutral) and a letter for the version. https://doi.org/10.21437/Interspeech.2005-446
"""

import re

from ser_helpers.corpora import files

NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z]?)")
EMOTIONS = {
    "N": "neutral",
    "F": "happiness",
    "T": "sadness",
    "W": "anger",
    "A": "fear",
    "E": "disgust",
    "L": "boredom",
}
GENDERS = {
    "03": "male",
    "08": "female",
    "09": "female",
    "10": "male",
    "11": "male",
    "12": "male",
    "13": "female",
    "14": "female",
    "15": "male",
    "16": "female",
}
TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
SPEAKERS = tuple(f"emodb-{speaker}" for speaker in GENDERS)


def load(root, corpus="emodb"):
    """The utterance table of the EmoDB files under `root`, and notes on what is odd there.

    Extra column: ``version``, a letter.
    """
    return files.read(root, corpus, lambda path: _row(path, corpus))


def _row(path, corpus):
    match = NAME.fullmatch(path.stem)
    if not match or match[1] not in GENDERS or match[2] not in TEXTS:
        return "left out because they are not named like 03a01Fa.wav"
    speaker, sentence, emotion, version = match.groups()
    return {
        "speaker": f"{corpus}-{speaker}",
        "gender": GENDERS[speaker],
        "statement": f"emodb-{sentence}",
        "text": TEXTS[sentence],
        "language": "de",
        "emotion": EMOTIONS[emotion],
        "version": version or None,
    }
