"""Folds of whole speakers for scikit-learn's searches."""

import pandas as pd

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError


class SpeakerFolds:
    """A scikit-learn splitter: no speaker is in both parts of a fold.

    For nested searches, ``GridSearchCV(pipeline, grid, cv=SpeakerFolds(table), scoring="recall_macro")``: settings are
    then chosen by voices that were not trained on, as the final score is. ``recall_macro`` is scikit-learn's name for
    the UAR.

    Parameters
    ----------
    table : DataFrame
        An utterance table that holds every utterance of X, in any order; it may hold more.
    n_splits : int
        Number of folds, at most the number of speakers in X.
    seed : int
        Decides which speakers fall into which fold.

    Raises
    ------
    EvaluationError
        When folds are drawn: X has no utterance names, or holds utterances that the table lacks.
    CorpusError
        When folds are drawn: X has fewer speakers than folds.

    Notes
    -----
    Used in Lesson 05.

    Examples
    --------
    >>> table = corpora.load("synthetic-small")
    >>> folds = SpeakerFolds(table, n_splits=2)
    >>> [len(test) for train, test in folds.split(table[["arousal"]])]
    [120, 120]
    """

    def __init__(self, table, n_splits=3, seed=0):
        self.table = table
        self.n_splits = n_splits
        self.seed = seed

    def split(self, X, y=None, groups=None):
        """Positions of the training and of the test rows of X, for each fold."""
        if not isinstance(X, pd.DataFrame | pd.Series):
            raise EvaluationError(
                f"Speakers are looked up by utterance, and X is a {type(X).__name__} without utterance names: search"
                " with the feature table itself, and put scalers into the pipeline."
            )
        unknown = X.index.difference(self.table.index, sort=False)
        if len(unknown):
            raise EvaluationError(f"SpeakerFolds knows no {unknown[0]!r}: give it a table that holds every utterance.")
        for parts in corpora.split(self.table.loc[X.index], "speaker", self.n_splits, self.seed):
            yield tuple(X.index.get_indexer(part) for part in parts)

    def get_n_splits(self, X=None, y=None, groups=None):
        """The number of folds."""
        return self.n_splits

    def __repr__(self):
        speakers = self.table["speaker"].nunique()
        return f"SpeakerFolds({speakers} speakers, n_splits={self.n_splits}, seed={self.seed})"
