"""Augmented copies in the training set, and nowhere else.

Pseudo-labels: a classifier teaches itself with unlabelled speech that it is sure of.
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ser_helpers.errors import EvaluationError


def _has(method):
    return available_if(lambda self: hasattr(self.estimator, method))


class Augmented(MetaEstimatorMixin, BaseEstimator):
    """Fit an estimator on its training utterances and their augmented copies; predict on plain ones.

    An augmented copy of a test utterance must not be in the training set: it is the test utterance, a little changed.
    Here it cannot be, because `fit` takes from each copy only the utterances it is given, by their index.

    Parameters
    ----------
    estimator : scikit-learn estimator
        The whole pipeline, scalers included, so that the copies go through it too. A hyper-parameter search stands
        outside: ``GridSearchCV(Augmented(...), ...)``, or its own folds would mix copies.
    copies : list of DataFrame, or of Series of arrays
        Features of the same utterances, as by ``features.extract(table, kind, augment=audio.Noise())``. Rows without
        features, of recordings that could not be used, are left out.

    Attributes
    ----------
    estimator_ : estimator
        The fitted one.

    Notes
    -----
    Used in Lesson 06.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = pd.DataFrame({"level": [1.0, 2.0, 3.0]}, index=["a", "b", "c"])
    >>> model = Augmented(LogisticRegression(), [X + 0.1, X - 0.1])
    >>> model.fit(X.loc[["a", "c"]], ["sad", "angry"]).predict(X.loc[["b"]] + 1)
    array(['angry'], dtype='<U5')
    """

    def __init__(self, estimator, copies):
        self.estimator = estimator
        self.copies = copies

    def fit(self, X, y):
        """Fit on the rows of `X` (a table or Series indexed by utterance) and their copies, labelled `y`.

        Raises ValueError when X has no index of utterances, y is not as long, or a copy lacks an utterance, repeats one
        or has other columns.
        """
        if not isinstance(X, pd.DataFrame | pd.Series):
            raise ValueError(
                f"Augmented finds copies by the index of X, and X is a {type(X).__name__}: put Augmented around the "
                "whole pipeline, and give it a table indexed by utterance."
            )
        if not isinstance(self.copies, list | tuple):
            raise ValueError(f"copies is a list of feature tables, not a {type(self.copies).__name__}: put it in [ ].")
        if len(y) != len(X):
            raise ValueError(f"y must hold one label for each of the {len(X)} utterances, and it holds {len(y)}.")
        together = pd.concat([X, *(_part(X, copy, number) for number, copy in enumerate(self.copies, start=1))])
        usable = together.notna().any(axis=1) if together.ndim == 2 else together.notna()
        labels = np.tile(np.asarray(y), 1 + len(self.copies))
        self.estimator_ = clone(self.estimator).fit(together[usable], labels[usable.to_numpy()])
        return self

    def predict(self, X):
        """What the fitted estimator predicts."""
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @_has("predict_proba")
    def predict_proba(self, X):
        """The fitted estimator's probabilities."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @_has("decision_function")
    def decision_function(self, X):
        """The fitted estimator's decision values."""
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    @property
    def classes_(self):
        """The labels, in the order of the probabilities."""
        return self.estimator_.classes_

    def __sklearn_tags__(self):
        return get_tags(self.estimator)


def _part(X, copy, number):
    """The utterances of `X` in a copy."""
    if type(copy) is not type(X):
        raise ValueError(f"Copy {number} is a {type(copy).__name__} and X a {type(X).__name__}: extract the same kind.")
    if X.ndim == 2 and list(copy.columns) != list(X.columns):
        raise ValueError(f"Copy {number} has other columns than X: extract the same kind of feature.")
    if copy.index.has_duplicates:
        twice = copy.index[copy.index.duplicated()][0]
        raise ValueError(f"Copy {number} holds {twice!r} more than once: give each copy an element of the list.")
    missing = X.index.difference(copy.index, sort=False)
    if len(missing):
        raise ValueError(
            f"Copy {number} lacks {len(missing)} of {len(X)} training utterances ({missing[0]!r} and so on): extract "
            "it from the same table, and put Augmented around the whole pipeline."
        )
    return copy.loc[X.index]


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
