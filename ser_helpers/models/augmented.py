"""Augmented copies in the training set, and nowhere else."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _has(method):
    return available_if(lambda self: hasattr(self.estimator, method))


class Augmented(MetaEstimatorMixin, BaseEstimator):
    """Fit an estimator on its training utterances and their augmented copies; predict on plain ones.

    An augmented copy of a test utterance must not be in the training set: it is the test utterance, a little changed.
    Here it cannot be, because `fit` takes from each copy only the utterances it is given, by their index. Lesson 06.

    Parameters
    ----------
    estimator : scikit-learn estimator
        The whole pipeline, scalers included, so that the copies go through it too; ``estimator_`` is the fitted one. A
        hyper-parameter search stands outside: ``GridSearchCV(Augmented(...), ...)``, or its own folds would mix copies.
    copies : list of DataFrame, or of Series of arrays
        Features of the same utterances, as by ``features.extract(table, kind, augment=audio.Noise())``. Rows without
        features, of recordings that could not be used, are left out.

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
            raise ValueError(f"y has {len(y)} labels for {len(X)} utterances: give one for each.")
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
        raise ValueError(f"The columns of copy {number} are not those of X: extract the same kind of feature.")
    if copy.index.has_duplicates:
        twice = copy.index[copy.index.duplicated()][0]
        raise ValueError(f"Copy {number} has {twice!r} more than once: put each copy into the list by itself.")
    missing = X.index.difference(copy.index, sort=False)
    if len(missing):
        raise ValueError(
            f"Copy {number} lacks {len(missing)} of {len(X)} training utterances ({missing[0]!r} and so on): extract "
            "it from the same table, and put Augmented around the whole pipeline."
        )
    return copy.loc[X.index]
