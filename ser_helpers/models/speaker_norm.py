"""Each voice measured against itself: z-normalisation within speakers."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data

from ser_helpers.errors import EvaluationError


class SpeakerNormaliser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Give every column mean 0 and standard deviation 1 within each speaker, among the rows at hand.

    It learns nothing in ``fit`` and uses no labels: ``transform`` takes mean and deviation from the rows it is given.
    A test speaker is therefore normalised by their own test utterances. That is fair only where unlabelled speech of
    this speaker is there before the answer is due, and never for the first sentence of a stranger.

    Parameters
    ----------
    speakers : Series of str, indexed by utterance, optional
        Who says what, as ``table["speaker"]``; looked up by the index of X. None: all rows are one speaker.

    Notes
    -----
    A column that is constant within a speaker becomes 0. So does the only row of a speaker, with a warning, since it
    has nothing to be compared with. A DataFrame stays a DataFrame, with its index and columns. Used in Lesson 05.

    Raises EvaluationError when `speakers` are given and X has no utterance names, or holds an utterance they lack.

    Examples
    --------
    >>> X = pd.DataFrame({"pitch": [100.0, 120.0, 200.0, 240.0]}, index=["a/1", "a/2", "b/1", "b/2"])
    >>> speakers = pd.Series(["a", "a", "b", "b"], index=X.index)
    >>> SpeakerNormaliser(speakers).fit_transform(X).pitch.tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """

    def __init__(self, speakers=None):
        self.speakers = speakers

    def fit(self, X, y=None):
        """Note the names of the columns; there is nothing else to learn."""
        validate_data(self, X, dtype=float)
        return self

    def transform(self, X):
        """`X` of shape (utterances, features), each row relative to the other rows of its speaker."""
        values = validate_data(self, X, dtype=float, reset="n_features_in_" not in vars(self))
        normalised = np.empty_like(values)
        for speaker, rows in self._rows(X, len(values)).items():
            if len(rows) == 1:
                warnings.warn(f"Speaker {speaker} has one utterance only: its features become 0.", stacklevel=2)
            normalised[rows] = StandardScaler().fit_transform(values[rows])
        return pd.DataFrame(normalised, X.index, X.columns) if isinstance(X, pd.DataFrame) else normalised

    def _rows(self, X, n):
        return {"unknown": np.arange(n)} if self.speakers is None else rows_by_speaker(X, self.speakers)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


def rows_by_speaker(X, speakers):
    """Positions of each speaker's rows in `X`; an EvaluationError says what is wrong with `speakers`."""
    if not isinstance(X, pd.DataFrame):
        raise EvaluationError(
            f"Speakers are looked up by utterance, and X is a {type(X).__name__} without utterance names: put the"
            " normaliser first in the pipeline and give it a feature table."
        )
    if not isinstance(speakers, pd.Series):
        raise EvaluationError(
            f"speakers is a {type(speakers).__name__}: give the normaliser the column table['speaker']."
        )
    if speakers.index.has_duplicates:
        raise EvaluationError("An utterance has two speakers: give the normaliser a table without repeated names.")
    named = speakers.reindex(X.index)
    if named.isna().any():
        raise EvaluationError(
            f"The speaker of {X.index[named.isna()][0]!r} is not known: give the normaliser the column 'speaker' of a"
            " table that holds every utterance."
        )
    return pd.Series(np.arange(len(X))).groupby(named.to_numpy()).indices
