"""What each rater said: the ceiling of any model that learns from them."""

from itertools import zip_longest

import pandas as pd

from ser_helpers.corpora.iemocap import SCALES
from ser_helpers.errors import CorpusError

#: IEMOCAP's words for what its raters chose.
CHOICES = {
    "Neutral": "neu",
    "Happiness": "hap",
    "Excited": "exc",
    "Sadness": "sad",
    "Anger": "ang",
    "Frustration": "fru",
    "Fear": "fea",
    "Disgust": "dis",
    "Surprise": "sur",
    "Other": "oth",
}


def ratings(table):
    """One row per utterance and rater of a corpus in IEMOCAP's layout (Lesson 09).

    Parameters
    ----------
    table : pandas.DataFrame
        From ``corpora.load("iemocap")`` or ``corpora.load("synthetic-iemocap")``, or rows of one.

    Returns
    -------
    pandas.DataFrame
        Columns ``utterance``; ``rater``, such as ``"E2"``; ``emotion``, the word for the first choice, in the corpus's
        own words; ``emotions``, all choices, as in ``"neu+ang"``; ``valence``, ``arousal`` and ``dominance``, whole
        numbers from 1 to 5 as floats. What a rater did not say is missing.

    Raises
    ------
    CorpusError
        The table has no column of ratings, or a row without.

    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-iemocap-small")
    >>> len(corpora.ratings(table)) == 3 * len(table)
    True
    """
    missing = [column for column in ("raters", "votes", *SCALES) if column not in table]
    if missing:
        raise CorpusError(
            f"The table has no column {', '.join(missing)}: load 'iemocap' or 'synthetic-iemocap', which name raters."
        )
    unrated = table.index[table["raters"].isna()]
    if len(unrated):
        raise CorpusError(f"{unrated[0]} names no raters: give the rows of 'iemocap' or 'synthetic-iemocap' alone.")
    rows = [
        row
        for utterance, answers in table[["raters", "votes", *SCALES]].iterrows()
        for row in _rows(utterance, answers)
    ]
    columns = ["utterance", "rater", "emotion", "emotions", "valence", "arousal", "dominance"]
    return pd.DataFrame(rows, columns=columns).astype({"valence": float, "arousal": float, "dominance": float})


def _rows(utterance, answers):
    for rater, vote, *scores in zip_longest(*(answer.split("|") for answer in answers), fillvalue=""):
        chosen = [CHOICES.get(name, "oth") for name in vote.split("+") if name]
        first = chosen[0] if chosen else None
        yield utterance, rater, first, "+".join(chosen) or None, *(score or None for score in scores)
