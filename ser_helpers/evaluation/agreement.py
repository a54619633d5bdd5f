"""How well people agree on valence, arousal and dominance: what a model can be asked for."""

import numpy as np
import pandas as pd

from ser_helpers.corpora.schema import DIMENSIONS
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import bootstrap, metrics


def rater_ceiling(ratings, table, dimensions=DIMENSIONS):
    """The CCC between one rater and the mean of the others, over all raters of all utterances. Lesson 09.

    Returns a row per dimension: ``ccc``, ``low`` and ``high`` (95 % interval over speakers), ``utterances``,
    ``raters``. A model that is scored against one rater cannot be expected to do better than another rater. A model
    that is scored against the *mean* of the raters may: a mean is less noisy than any of them. Raises EvaluationError
    if no utterance of the table was scored by two raters.

    Parameters
    ----------
    ratings : DataFrame
        One row per utterance and rater, as from ``corpora.ratings``: ``utterance``, ``rater`` and the dimensions. A
        missing score is left out, and so is an utterance that only one rater scored.
    table : DataFrame
        Utterance table with the speaker of each utterance; ratings of other utterances are ignored.
    dimensions : sequence of str

    Examples
    --------
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-iemocap-small")
    >>> ceiling = rater_ceiling(corpora.ratings(table), table)
    >>> ceiling.index.tolist(), bool(ceiling.ccc.between(0.2, 0.95).all())
    (['valence', 'arousal', 'dominance'], True)
    """
    rows = {dimension: _of(dimension, ratings, table) for dimension in dimensions}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("dimension")


def _of(dimension, ratings, table):
    known = ratings[ratings["utterance"].isin(table.index)].dropna(subset=dimension)
    scores = known.groupby("utterance")[dimension]
    n = scores.transform("size")
    if not (n > 1).any():
        raise EvaluationError(f"No utterance of the table has two scores of {dimension}: agreement needs two raters.")
    others = ((scores.transform("sum") - known[dimension]) / (n - 1).where(n > 1))[n > 1]
    known = known[n > 1]
    speakers = table.loc[known["utterance"], "speaker"]
    low, high = np.nan, np.nan
    if len(set(speakers)) > 1:
        low, high = bootstrap.interval(bootstrap.cccs(others, known[dimension], *bootstrap.draw(speakers)))
    return {
        "ccc": metrics.ccc(others, known[dimension]),
        "low": low,
        "high": high,
        "utterances": known["utterance"].nunique(),
        "raters": known["rater"].nunique(),
    }
