"""Estimators trained batch by batch, for tables of features that are larger than memory."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state, compute_class_weight, gen_batches, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


class InBatches(MetaEstimatorMixin, BaseEstimator):
    """A scaler and an estimator with ``partial_fit``, trained on a batch of rows at a time.

    Takes what ``features.extract(..., on_disk=True)`` gives, a Series of (dims,) arrays that are read when they are
    used, so that memory holds one batch however large the table is; arrays and tables too. The first pass over the
    training rows finds the mean and deviation of each feature, every further one is an epoch of stochastic gradient
    descent in random order (Bottou 2010, https://doi.org/10.1007/978-3-7908-2604-3_16). Used by
    ``ser train --on-disk``.

    Parameters
    ----------
    estimator : scikit-learn classifier or regressor
        With ``partial_fit``, such as ``SGDClassifier(loss="log_loss")``. Cloned, so it stays unfitted.
    epochs : int
        How often each row is used.
    batch_size : int
        Rows in memory at a time.
    class_weight : "balanced" or None
        Whether each class counts the same, or as often as it occurs. Ignored by regressors.
    random_state : int, RandomState or None
        Seeds the order of the rows.

    Attributes
    ----------
    scaler_ : StandardScaler
    estimator_ : the fitted estimator
    classes_ : ndarray of shape (n_classes,)
        Sorted labels, for a classifier.

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> X = pd.Series([np.array([0.0, 1.0]), np.array([1.0, 0.0])] * 50, dtype=object)
    >>> model = InBatches(SGDClassifier(loss="log_loss", random_state=0), batch_size=10).fit(X, ["sad", "happy"] * 50)
    >>> model.predict(X[:2]).tolist()
    ['sad', 'happy']
    """

    def __init__(self, estimator, epochs=5, batch_size=256, class_weight="balanced", random_state=None):
        self.estimator = estimator
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X, y):
        """Train on `X`, a Series of (dims,) arrays, a table or an array (n, dims), and labels or numbers `y` (n,)."""
        y, random = np.asarray(y), check_random_state(self.random_state)
        self.scaler_, self.estimator_ = StandardScaler(), clone(self.estimator)
        for rows in self._batches(len(y)):
            self.scaler_.partial_fit(_rows(X, rows))
        options, weights = {}, None
        if is_classifier(self.estimator):
            self.classes_, numbers = np.unique(y, return_inverse=True)
            options["classes"] = self.classes_
            if self.class_weight is not None:
                weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)[numbers]
        for _ in range(self.epochs):
            order = random.permutation(len(y))
            for batch in self._batches(len(y)):
                rows = order[batch]
                if weights is not None:
                    options["sample_weight"] = weights[rows]
                self.estimator_.partial_fit(self.scaler_.transform(_rows(X, rows)), y[rows], **options)
        return self

    def predict(self, X):
        """The label or number of each row, shape (n,)."""
        return self._outputs("predict", X)

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))
    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return self._outputs("predict_proba", X)

    def _outputs(self, method, X):
        check_is_fitted(self, "estimator_")
        predict = getattr(self.estimator_, method)
        return np.concatenate([predict(self.scaler_.transform(_rows(X, rows))) for rows in self._batches(len(X))])

    def _batches(self, n):
        return gen_batches(n, self.batch_size)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags, tags.regressor_tags = inner.classifier_tags, inner.regressor_tags
        return tags


def _rows(X, rows):
    """Some rows of `X` as an array (n, dims)."""
    return as_array(X.iloc[rows] if isinstance(X, pd.Series | pd.DataFrame) else X[rows])


def as_array(X):
    """Features as arrays of float32, (n, dims) or (n, frames, dims), from an array, a table or a Series of arrays.

    A classifier that was fitted on a table would miss the names of its columns later.

    >>> as_array(pd.Series([np.zeros((5, 2)), np.ones((5, 2))])).shape
    (2, 5, 2)
    """
    return np.asarray(np.stack(list(X)) if isinstance(X, pd.Series) else X, np.float32)
