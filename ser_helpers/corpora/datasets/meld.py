"""MELD: what the people of a television series say to each other, and how they feel (Poria et al. 2019).

Its text is read here, without its videos: ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv`` hold a
line for each utterance, named by dialogue and number as the videos are (``dia0_utt3.mp4``).
https://doi.org/10.18653/v1/P19-1050
"""

import re
from pathlib import Path

import pandas as pd

from ser_helpers.corpora.corpus_cards import card, find
from ser_helpers.errors import CorpusError, CorpusMissing

SPLITS = ("train", "dev", "test")
PUBLISHED = {
    "Utterance": "text",
    "Speaker": "speaker",
    "Emotion": "emotion",
    "Sentiment": "sentiment",
    "Dialogue_ID": "dialogue",
    "Utterance_ID": "turn",
}
NEEDED = "Put train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv into a folder called meld."
#: Codes of Windows-1252 that older copies hold as they are: quotation marks, dashes and dots.
CONTROLS = re.compile("[\x80-\x9f]")


def load_text(name="meld", root=None):
    """What is said in a corpus that is read without its recordings: MELD (Lesson 10).

    Parameters
    ----------
    name : str
        ``"meld"``.
    root : path, optional
        Where it is; see `find`. The files may lie in any sub-folder, as in the publisher's ``MELD.Raw``.

    Returns
    -------
    pandas.DataFrame
        One row per utterance, in the publisher's order, index ``utterance``, such as ``"meld/train/dia0_utt3"``.
        Columns: ``split`` (train, dev or test), ``dialogue`` (``"meld-train-0"``), ``turn`` (a whole number),
        ``speaker`` (``"meld-Chandler"``), ``text``, ``emotion`` and ``sentiment`` in the corpus's own words. Quotation
        marks, dashes and dots that older copies hold as codes of Windows-1252 are put right.

    Raises
    ------
    CorpusMissing
        A file is not on this machine; the message says how to get it.
    CorpusError
        Another corpus is asked for, or a file is damaged.

    >>> load_text("tess")
    Traceback (most recent call last):
    ser_helpers.errors.CorpusError: Only the text of MELD is read without its recordings: load 'tess' with corpora.load.
    """
    known = card(name)
    if known.name != "meld":
        raise CorpusError(
            f"Only the text of MELD is read without its recordings: load {known.name!r} with corpora.load."
        )
    try:
        folder = find("meld", root)
    except CorpusMissing as missing:
        raise CorpusMissing(f"{missing} {NEEDED}") from missing
    return pd.concat([_read(folder, split, known) for split in SPLITS]).set_index("utterance")


def _read(folder, split, known):
    name = f"{split}_sent_emo.csv"
    path = min(filter(Path.is_file, folder.rglob(name)), key=lambda path: (len(path.parts), path), default=None)
    if path is None:
        raise CorpusMissing(f"There is no {name} in {folder}. {known.how} {NEEDED}")
    try:
        lines = pd.read_csv(path, encoding=_encoding(path), usecols=list(PUBLISHED), keep_default_na=False)
        lines = lines.rename(columns=PUBLISHED).astype({"dialogue": int, "turn": int})
    except (ValueError, pd.errors.ParserError) as error:
        raise CorpusError(
            f"{path} is damaged ({' '.join(str(error).split())}): get it again from {known.url}."
        ) from error
    strange = set(lines["emotion"]) - set(known.labels)
    twice = lines[lines.duplicated(["dialogue", "turn"])]
    if strange or lines.empty or len(twice):
        what = f"the emotion {min(strange)!r}" if strange else "no utterance"
        if len(twice) and not strange:
            what = f"utterance {twice['turn'].iloc[0]} of dialogue {twice['dialogue'].iloc[0]} more than once"
        raise CorpusError(f"{path} is damaged: it holds {what}; get it again from {known.url}.")
    dialogue, turn = lines["dialogue"].astype(str), lines["turn"]
    return pd.DataFrame(
        {
            "utterance": f"meld/{split}/dia" + dialogue + "_utt" + turn.astype(str),
            "split": split,
            "dialogue": f"meld-{split}-" + dialogue,
            "turn": turn,
            "speaker": "meld-" + lines["speaker"],
            "text": lines["text"].map(_repaired),
            "emotion": lines["emotion"],
            "sentiment": lines["sentiment"],
        }
    )


def _encoding(path):
    try:
        path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _repaired(text):
    """Codes of Windows-1252 as the characters they stand for, and every kind of space as one plain space."""
    text = CONTROLS.sub(lambda code: code[0].encode("latin-1").decode("cp1252", "ignore"), text)
    return " ".join(text.split())
