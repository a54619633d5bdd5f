"""One set of labels for several corpora: every corpus has its own words, and a scheme says what each becomes.

===========  ==========================================================================================================
scheme       labels
===========  ==========================================================================================================
common       the eight of ``EMOTIONS``; pleasant surprise counts as surprised
shared       the six that RAVDESS, CREMA-D, TESS and SAVEE all have: common without calm and surprised
polarity     positive, negative, neutral; calm counts as neutral, which RAVDESS made it to accompany; a surprise that
             may be good or bad is dropped, a pleasant one is positive
iemocap4     angry, happy (with excited), neutral, sad: the set most papers on IEMOCAP use
===========  ==========================================================================================================

Words that a scheme has no label for are dropped: boredom, frustration, excitement (but in polarity and iemocap4), and
IEMOCAP's ``oth`` (other) and ``xxx`` (the raters did not agree).
"""

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
    "other": ("other", "oth"),
    "no agreement": ("xxx",),
}

#: What each meaning becomes in each scheme; meanings that are not named are dropped.
SCHEMES = {
    "common": {**{emotion: emotion for emotion in EMOTIONS}, "pleasant surprise": "surprised"},
    "shared": {emotion: emotion for emotion in EMOTIONS if emotion not in ("calm", "surprised")},
    "polarity": {
        "happy": "positive",
        "excited": "positive",
        "pleasant surprise": "positive",
        "neutral": "neutral",
        "calm": "neutral",
        "sad": "negative",
        "angry": "negative",
        "fearful": "negative",
        "disgust": "negative",
        "boredom": "negative",
        "frustrated": "negative",
    },
    "iemocap4": {"angry": "angry", "happy": "happy", "excited": "happy", "neutral": "neutral", "sad": "sad"},
}

_MEANINGS = {word: meaning for meaning, words in WORDS.items() for word in words}

#: The order of labels in tables and figures: the eight of RAVDESS, then those of other corpora and schemes.
ORDER = (*EMOTIONS, "excited", "frustrated", "boredom", "positive", "negative", "other")


def label_order(labels):
    """The distinct labels in the course's order: neutral calm happy sad angry fearful disgust surprised, then others.

    Labels without a place of their own follow in sorted order; missing ones (None, NaN) are dropped. Lessons 03 and 04.

    >>> label_order(["sad", "happy", "zeal", "neutral", "sad"])
    ['neutral', 'happy', 'sad', 'zeal']
    """
    present = {label for label in labels if label is not None and label == label}
    known = [label for label in ORDER if label in present]
    return known + sorted(present - set(known))


def harmonise(table, scheme="common"):
    """A copy of an utterance table with the labels of `scheme` in place of the corpus's own words.

    Parameters
    ----------
    table : pandas.DataFrame
        An utterance table, or any table with a column ``emotion``; it may hold several corpora.
    scheme : str
        A key of ``SCHEMES``: "common", "shared", "polarity" or "iemocap4".

    Returns
    -------
    pandas.DataFrame
        The rows that have a label in the scheme, in the same order. The corpus's own words are in the column
        ``emotion_original``; ``attrs["dropped"]`` counts the rows left out, by word.

    Raises
    ------
    CorpusError
        There is no such scheme, a row has no emotion, or no corpus known here uses one of the words.

    Used in Lesson 03.

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
    kept = table[new.notna()].copy()
    if "emotion_original" not in kept:
        kept["emotion_original"] = kept["emotion"]
    kept["emotion"] = new[new.notna()].astype("str")
    kept.attrs["dropped"] = {word: int(n) for word, n in table["emotion"][new.isna()].value_counts().items()}
    return kept


def combine(tables):
    """One utterance table of several: all rows, in the order given; columns that some lack are filled with NaN.

    The labels stay as they are: `harmonise` the result, or each table first. Raises CorpusError when there is no table,
    or when two tables hold the same utterance. Used in Lesson 03.

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
