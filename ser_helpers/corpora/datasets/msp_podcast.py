"""MSP-Podcast: turns cut from podcasts, each labelled by five raters or more (Lotfian & Busso 2019).

The layout is that of the readme.txt of release 1.12: ``Audios/MSP-PODCAST_0001_0008.wav`` (podcast and turn), the words
in ``Transcripts/MSP-PODCAST_0001_0008.txt``, and ``Labels/labels_consensus.csv`` (labels_concensus.csv in old releases)
with a line for each turn::

    FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
    MSP-PODCAST_0001_0008.wav,N,3.4,4.2,4.0,127,Male,Train

The partitions were made so that Train, Development and the test sets share no speaker; the test sets share some with
one another, and Train has turns whose speaker is Unknown. The labels of Test3 are not published.
https://doi.org/10.1109/TAFFC.2017.2736999
"""

import re

from ser_helpers.corpora import files
from ser_helpers.corpora.corpus_cards import card, how_to_get
from ser_helpers.errors import CorpusMissing

NAME = re.compile(r"MSP-PODCAST_(\d+)(_\d+)+")
EMOTIONS = {"N": "neutral", "H": "happiness", "S": "sadness", "A": "anger", "F": "fear", "D": "disgust"}
EMOTIONS |= {"U": "surprise", "C": "contempt", "O": "other", "X": "no agreement"}
DIMENSIONS = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}
NUMBERS = dict.fromkeys(DIMENSIONS.values(), float)


def load(root):
    """The utterance table of the MSP-Podcast turns under `root`, and notes on what is odd there.

    The session is the podcast; the speaker is missing where the publisher says Unknown. Extra column: ``split``, the
    publisher's partition: "Train", "Development" ("Validation" in old releases), "Test1" or "Test2".
    """
    path = files.shallowest(root, "labels_con[sc]ensus.csv")
    if path is None:
        raise CorpusMissing(
            f"There is no labels_consensus.csv in {root}: it contains the labels. {how_to_get(card('msp-podcast'))}"
        )
    text = {"FileName": str, "EmoClass": str, "SpkrID": str, "Gender": str, "Split_Set": str}
    labels = files.read_labels(path, "msp-podcast", [*text, *NUMBERS], dtype=text | NUMBERS)
    labels = {label["FileName"].rpartition(".")[0]: label for label in labels.to_dict("records")}
    words = {path.stem: path for path in sorted(root.rglob("Transcripts/*.txt")) if path.is_file()}
    return files.read(root, "msp-podcast", lambda path: _row(path, labels, words))


def _row(path, labels, words):
    match = NAME.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like MSP-PODCAST_0001_0008.wav"
    label = labels.get(path.stem)
    if label is None or label["EmoClass"] not in EMOTIONS:
        return "left out because there is no label of them"
    speaker, text = str(label["SpkrID"]), words.get(path.stem)
    return {
        "speaker": f"msp-podcast-{speaker}" if speaker.lower() not in ("unknown", "nan") else None,
        "gender": {"Female": "female", "Male": "male"}.get(label["Gender"]),
        "session": f"msp-podcast-{match[1]}",
        "text": text and " ".join(text.read_text(encoding="utf-8", errors="replace").split()),
        "language": "en",
        "emotion": EMOTIONS[label["EmoClass"]],
        **{dimension: label[column] for dimension, column in DIMENSIONS.items()},
        "split": label["Split_Set"],
    }
