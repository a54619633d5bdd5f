"""One set of labels for several corpora: a scheme maps the words of each corpus to common labels.

===========  ==========================================================================================================
scheme       labels
===========  ==========================================================================================================
common       the eight of ``EMOTIONS``; pleasant surprise counts as surprised
shared       the six that RAVDESS, CREMA-D, TESS and SAVEE all have: common without calm and surprised
polarity     positive, negative, neutral; calm counts as neutral, which RAVDESS made it to accompany; a surprise that
             may be good or bad is dropped, a pleasant one is positive
iemocap4     angry, happy (with excited), neutral, sad: the set most papers on IEMOCAP use
===========  ==========================================================================================================

Words without a label in a scheme are dropped: boredom, frustration and contempt (but in polarity), excitement (but in
polarity and iemocap4), ``oth`` or other, ``xxx`` or no agreement (of the raters), and none (no emotion at all).
"""

import numpy as np
import pandas as pd

from ser_helpers.corpora.schema import COLUMNS, EMOTIONS, check_table
from ser_helpers.errors import CorpusError

#: Every word that a corpus uses, by meaning.
WORDS = {
    "neutral": ("neutral", "neu"),
    "calm": ("calm",),
    "happy": ("happy", "happiness", "joy", "hap"),
    "excited": ("excited", "exc"),
    "sad": ("sad", "sadness"),
    "angry": ("angry", "anger", "ang"),
    "fearful": ("fearful", "fear", "fea"),
    "disgust": ("disgust", "dis"),
    "surprised": ("surprised", "surprise", "sur"),
    "pleasant surprise": ("pleasant surprise",),
    "boredom": ("boredom",),
    "frustrated": ("frustrated", "fru"),
    "contempt": ("contempt",),
    "other": ("other", "oth"),
    "no agreement": ("no agreement", "xxx"),
    "none": ("none",),
}

#: The label of each meaning in each scheme; other meanings are dropped.
SCHEMES = {
    "common": {**{emotion: emotion for emotion in EMOTIONS}, "pleasant surprise": "surprised"},
    "shared": {emotion: emotion for emotion in EMOTIONS if emotion not in ("calm", "surprised")},
    "polarity": {
        **dict.fromkeys(("happy", "excited", "pleasant surprise"), "positive"),
        **dict.fromkeys(("neutral", "calm"), "neutral"),
        **dict.fromkeys(("sad", "angry", "fearful", "disgust", "boredom", "frustrated", "contempt"), "negative"),
    },
    "iemocap4": {"angry": "angry", "happy": "happy", "excited": "happy", "neutral": "neutral", "sad": "sad"},
}

_MEANINGS = {word: meaning for meaning, words in WORDS.items() for word in words}

#: The order of labels in tables and figures: the eight of RAVDESS, then those of other corpora and schemes.
ORDER = (*EMOTIONS, "excited", "frustrated", "boredom", "contempt", "positive", "negative", "other")


def label_order(labels):
    """The distinct labels in the order of ``ORDER``, then unknown ones sorted; None and NaN are dropped (Lesson 04).

    >>> label_order(["sad", "happy", "zeal", "neutral", "sad"])
    ['neutral', 'happy', 'sad', 'zeal']
    """
    present = {label for label in labels if label is not None and label == label}
    known = [label for label in ORDER if label in present]
    return known + sorted(present - set(known))


def harmonise(table, scheme="common"):
    """A copy of an utterance table with the labels of `scheme` in place of the corpus's own words (Lesson 03).

    `table` is an utterance table, or any table with a column ``emotion``, of one corpus or several; `scheme` is a key
    of ``SCHEMES``. The result has the rows with a label in the scheme, in the same order, and the corpus's own words in
    the column ``emotion_original``; ``attrs["dropped"]`` counts the other rows by word. Soft labels (``votes_<word>``)
    become those of the scheme: votes for words without a label are left out of the shares. Raises CorpusError if there
    is no such scheme, a row has no emotion, or a word is unknown.

    >>> from ser_helpers import corpora
    >>> table = corpora.harmonise(corpora.load("synthetic-small"), "shared")
    >>> table.attrs["dropped"]
    {'calm': 32, 'surprised': 32}
    """
    if scheme not in SCHEMES:
        raise CorpusError(f"There is no scheme {scheme!r}; choose one of {', '.join(SCHEMES)}.")
    if "emotion" not in table or table["emotion"].isna().any():
        raise CorpusError("The table needs a column 'emotion' with a word in every row: drop the rows that have none.")
    labels = SCHEMES[scheme]
    words = {word: labels.get(meaning) for word, meaning in _MEANINGS.items()} | {new: new for new in labels.values()}
    unknown = sorted(set(table["emotion"]) - set(words))
    if unknown:
        raise CorpusError(
            f"No corpus known here uses the word {', '.join(map(repr, unknown))}; add it to labels.WORDS."
        )
    new = table["emotion"].map(words)
    harmonised = table[new.notna()].copy()
    if "emotion_original" not in harmonised:
        harmonised["emotion_original"] = harmonised["emotion"]
    harmonised["emotion"] = new[new.notna()].astype("str")
    votes = harmonised.filter(regex="^votes_")
    if len(votes.columns):
        shares = votes.T.groupby(lambda column: words.get(column.removeprefix("votes_"))).sum(min_count=1).T
        shares = shares.div(shares.sum(axis=1).replace(0, np.nan), axis=0).add_prefix("votes_")
        harmonised = harmonised.drop(columns=votes.columns).join(shares)
    harmonised.attrs["dropped"] = {word: int(n) for word, n in table["emotion"][new.isna()].value_counts().items()}
    return harmonised


def combine(tables):
    """One utterance table of several: all rows in order; columns that some lack are filled with NaN (Lesson 03).

    The labels stay as they are: `harmonise` the result, or each table first. Raises CorpusError if there is no table,
    or two contain the same utterance.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> len(corpora.combine([table[:100], table[100:]]))
    240
    """
    tables = [check_table(table) for table in tables]
    if not tables:
        raise CorpusError("There is nothing to combine: give a list of one or more utterance tables.")
    extras = [column for table in tables for column in table.columns if column not in COLUMNS]
    whole = pd.concat([table.dropna(axis="columns", how="all") for table in tables])
    return check_table(whole.reindex(columns=[*COLUMNS, *dict.fromkeys(extras)]).astype(COLUMNS))
