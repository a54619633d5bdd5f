"""MELD: dialogues of a television series with emotions (Poria et al. 2019).

``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv`` have a line for each utterance, named by dialogue
and number like the videos of ``MELD.Raw.tar.gz``: ``train_splits/dia0_utt3.mp4``, and the same in
``dev_splits_complete`` and ``output_repeated_splits_test``, where some names begin with ``final_videos_test``. One
video of train is damaged, and one of dev is missing.
https://doi.org/10.18653/v1/P19-1050
"""

import re

import pandas as pd

from ser_helpers.corpora import files
from ser_helpers.corpora.corpus_cards import card, find
from ser_helpers.corpora.datasets import cmu_mosei
from ser_helpers.errors import CorpusError, CorpusMissing

NAME = re.compile(r"(?:final_videos_test)?(dia\d+_utt\d+)")
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
#: Unconverted codes of Windows-1252 in older copies: quotation marks, dashes and dots.
CONTROLS = re.compile("[\x80-\x9f]")


def load(root):
    """The utterance table of the MELD clips under `root`, and notes on what is odd there.

    The clips are the publisher's ``.mp4``, or ``.wav`` or ``.flac`` made of them, in a folder whose name contains
    train, dev or test. Extra columns: ``split``, ``dialogue``, ``turn`` and ``sentiment``, as in `load_text`. Minor
    speakers share names such as "Man".
    """
    labels = _text(root).to_dict("index")
    return files.read(root, "meld", lambda path: _row(path, root, labels), suffixes=(*files.AUDIO, ".mp4"))


def _row(path, root, labels):
    match = NAME.fullmatch(path.stem)
    if not match:
        return "left out because they are not named like dia0_utt3.mp4"
    folders = reversed(path.relative_to(root).parts[:-1])
    split = next((split for folder in folders for split in SPLITS if split in folder.lower()), None)
    name = f"{split}/{match[1]}"
    if f"meld/{name}" not in labels:
        return "left out because there is no label of them"
    return {"utterance": name, "language": "en", **labels[f"meld/{name}"]}


def load_text(name="meld", root=None):
    """The text of MELD, without its recordings: one row per utterance, in the publisher's order (Lesson 10).

    `root` is where it is, see `find`; the files may be in any sub-folder, as in the publisher's ``MELD.Raw``. The index
    is ``utterance``, such as ``"meld/train/dia0_utt3"``; the columns are ``split`` (train, dev or test), ``dialogue``
    (``"meld-train-0"``), ``turn`` (a whole number), ``speaker`` (``"meld-Chandler"``), ``text``, ``emotion`` and
    ``sentiment`` in the corpus's own words. Unconverted codes of Windows-1252 in older copies are repaired.

    With "cmu-mosei", the same of CMU-MOSEI, where the columns are ``session``, ``start``, ``end``, ``text``,
    ``emotion``, ``valence`` (the sentiment, -3 to 3) and ``intensity_happiness`` and so on (0 to 3).

    Raises CorpusMissing, which says how to get it, if a file is not on this machine, and CorpusError if a file is
    damaged, `name` is another corpus, or CMU-MOSEI is wanted and h5py is missing.

    >>> load_text("tess")
    Traceback (most recent call last):
    ser_helpers.errors.CorpusError: Only MELD and CMU-MOSEI are read without recordings: load 'tess' with corpora.load.
    """
    corpus = card(name)
    if corpus.name == "cmu-mosei":
        return cmu_mosei.labels(find("cmu-mosei", root))
    if corpus.name != "meld":
        raise CorpusError(
            f"Only MELD and CMU-MOSEI are read without recordings: load {corpus.name!r} with corpora.load."
        )
    try:
        folder = find("meld", root)
    except CorpusMissing as missing:
        raise CorpusMissing(f"{missing} {NEEDED}") from missing
    return _text(folder)


def _text(folder):
    return pd.concat([_read(folder, split, card("meld")) for split in SPLITS]).set_index("utterance")


def _read(folder, split, corpus):
    name = f"{split}_sent_emo.csv"
    path = files.shallowest(folder, name)
    if path is None:
        raise CorpusMissing(f"There is no {name} in {folder}. {corpus.how} {NEEDED}")
    try:
        lines = pd.read_csv(path, encoding=_encoding(path), usecols=list(PUBLISHED), keep_default_na=False)
        lines = lines.rename(columns=PUBLISHED).astype({"dialogue": int, "turn": int})
    except (ValueError, pd.errors.ParserError) as error:
        raise CorpusError(
            f"{path} is damaged ({' '.join(str(error).split())}): get it again from {corpus.url}."
        ) from error
    unknown = set(lines["emotion"]) - set(corpus.labels)
    duplicates = lines[lines.duplicated(["dialogue", "turn"])]
    problem = None
    if unknown:
        problem = f"the emotion {min(unknown)!r}"
    elif len(duplicates):
        turn, dialogue = duplicates[["turn", "dialogue"]].iloc[0]
        problem = f"utterance {turn} of dialogue {dialogue} more than once"
    elif lines.empty:
        problem = "no utterance"
    if problem:
        raise CorpusError(f"{path} is damaged: it contains {problem}; get it again from {corpus.url}.")
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
