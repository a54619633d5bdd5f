"""Pseudo-labels: a classifier teaches itself with unlabelled speech that it is sure of."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ser_helpers.errors import EvaluationError


class SelfTraining(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Fit a classifier, let it label what it is sure of, and fit it again on both.

    ``sklearn.semi_supervised.SelfTrainingClassifier`` does this for arrays of numbers; here X may also be an utterance
    table, for a model that listens itself. And a test speaker cannot be among the unlabelled ones: `predict` refuses.

    Parameters
    ----------
    estimator : classifier with predict_proba
        Cloned for every round.
    unlabelled : DataFrame
        Like X, of other utterances: a feature table, or an utterance table for ``EncoderClassifier``.
    threshold : float
        Least probability of a label that is believed.
    rounds : int
        How often to label and fit again, each time from the start.
    speakers : Series of str, indexed by utterance, optional
        Who says what, for the check in `predict`; None takes the column "speaker", where there is one.

    Attributes
    ----------
    estimator_ : the fitted classifier
    classes_ : ndarray of shape (n_classes,)
    pseudo_labels_ : Series
        What was believed in the last round, by utterance.

    Raises
    ------
    EvaluationError
        If an utterance of the unlabelled speech is in training, or it or its speaker is to be predicted.

    Notes
    -----
    Scudder, IEEE Transactions on Information Theory 11(3), 1965, doi:10.1109/TIT.1965.1053799. Used in Lesson 08.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"level": [-1.0, 1.0]}, index=["a", "b"])
    >>> more = pd.DataFrame({"level": [-9.0, 0.1, 9.0]}, index=["c", "d", "e"])
    >>> SelfTraining(LogisticRegression(), more).fit(X, ["sad", "angry"]).pseudo_labels_.to_dict()
    {'c': 'sad', 'e': 'angry'}
    """

    def __init__(self, estimator, unlabelled, threshold=0.9, rounds=1, speakers=None):
        self.estimator = estimator
        self.unlabelled = unlabelled
        self.threshold = threshold
        self.rounds = rounds
        self.speakers = speakers

    def fit(self, X, y):
        """Fit on the rows of `X` and labels `y`, then on them and what is believed of the unlabelled rows."""
        if not isinstance(X, pd.DataFrame) or not isinstance(self.unlabelled, pd.DataFrame):
            raise EvaluationError("SelfTraining tells utterances apart by their index: X and unlabelled are tables.")
        self._refuse(X.index.intersection(self.unlabelled.index), "is in the training set too")
        self.estimator_ = clone(self.estimator).fit(X, y)
        for _ in range(self.rounds):
            probabilities = np.asarray(self.estimator_.predict_proba(self.unlabelled))
            sure = probabilities.max(axis=1) >= self.threshold
            labels = self.estimator_.classes_[probabilities.argmax(axis=1)]
            self.pseudo_labels_ = pd.Series(labels, self.unlabelled.index)[sure]
            together = pd.concat([X, self.unlabelled[sure]])
            self.estimator_ = clone(self.estimator).fit(together, np.append(np.asarray(y), labels[sure]))
        return self

    def predict(self, X):
        """The label of each row, shape (n,)."""
        return self.estimator_.predict(self._strangers(X))

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return self.estimator_.predict_proba(self._strangers(X))

    @property
    def classes_(self):
        """The labels, in the order of the probabilities."""
        return self.estimator_.classes_

    def __sklearn_tags__(self):
        return get_tags(self.estimator)

    def _strangers(self, X):
        """`X`, if nothing and nobody in it was among the unlabelled."""
        check_is_fitted(self, "estimator_")
        self._refuse(X.index.intersection(self.unlabelled.index), "is to be predicted")
        known, asked = self._speakers_of(self.unlabelled), self._speakers_of(X)
        self._refuse(sorted(known & asked), "speaks in what is to be predicted")
        return X

    def _speakers_of(self, X):
        speakers = self.speakers.reindex(X.index) if self.speakers is not None else X.get("speaker", pd.Series())
        return set(speakers.dropna())

    def _refuse(self, names, problem):
        if len(names):
            raise EvaluationError(f"{names[0]!r} is in the unlabelled speech and {problem}: leave it out there.")
