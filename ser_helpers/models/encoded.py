"""Words as labels for classifiers that take only the numbers 0, 1, 2, ..."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted


def _gives_probabilities(model):
    return hasattr(getattr(model, "estimator_", model.estimator), "predict_proba")


class LabelEncoded(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier trained on 0 ... k-1 that takes and gives the labels themselves.

    ``XGBClassifier`` refuses words. Encoding them by hand before a split breaks when a fold lacks a class, and invites
    the mistake of reading column 0 as the wrong emotion; here ``classes_`` are the words, in the order of the columns.

    Parameters
    ----------
    estimator : scikit-learn classifier
        Cloned, so it stays unfitted.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    estimator_ : the fitted classifier

    Notes
    -----
    Used in Lesson 05.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> model = LabelEncoded(DecisionTreeClassifier()).fit([[0.0], [1.0]], ["sad", "happy"])
    >>> model.predict([[0.9]]).tolist(), model.classes_.tolist(), model.estimator_.classes_.tolist()
    (['happy'], ['happy', 'sad'], [0, 1])
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        """Fit a clone of the estimator on `X` and the numbers of the labels `y`, shape (n,)."""
        if y is None:
            raise ValueError("LabelEncoded requires y to be passed, but the target y is None.")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(X, numbers)
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        return self

    def predict(self, X):
        """The label of each row, shape (n,)."""
        check_is_fitted(self)
        return self.classes_[np.asarray(self.estimator_.predict(X), dtype=int)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags

    @available_if(_gives_probabilities)
    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)
