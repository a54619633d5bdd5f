"""A classifier of Gaussian mixtures, and words as labels for classifiers that take only the numbers 0, 1, 2, ..."""

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.mixture import GaussianMixture
from sklearn.utils import column_or_1d, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data


class GaussianMixtureClassifier(ClassifierMixin, BaseEstimator):
    """One Gaussian mixture per class; the class under which an utterance is most probable wins.

    Bayes' rule: the probability of class *c* is proportional to its share of the training set times the density of its
    mixture, ``p(c | x) ∝ p(c) p(x | c)``. Before neural networks, the standard model of speaker and emotion
    recognition: Reynolds and Rose (1995), https://doi.org/10.1109/89.365379. Raises ValueError when a class has fewer
    rows than components. Lesson 05.

    Parameters
    ----------
    n_components : int
        Gaussians per class.
    covariance_type : {"diag", "full", "tied", "spherical"}
        Shape of each Gaussian, as in scikit-learn's ``GaussianMixture``. "diag" suits many features and few rows.
    reg_covar : float
        Added to every variance, so that no Gaussian shrinks to a point; features should be scaled to variance 1.
    random_state : int, RandomState or None
        Seeds the first guess of the fits.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    priors_ : ndarray of shape (n_classes,)
        Share of each class in the training set.
    mixtures_ : list of GaussianMixture
        In the order of ``classes_``.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [5.0], [6.0]], ["calm", "calm", "angry", "angry"]
    >>> GaussianMixtureClassifier(n_components=1).fit(X, y).predict([[0.4], [5.4]]).tolist()
    ['calm', 'angry']
    """

    def __init__(self, n_components=2, covariance_type="diag", reg_covar=0.01, random_state=None):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar
        self.random_state = random_state

    def fit(self, X, y):
        """Fit a mixture to the rows of each class: `X` is (n, features), `y` (n,) labels."""
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self.classes_, counts = np.unique(y, return_counts=True)
        if counts.min() < max(2, self.n_components):
            raise ValueError(
                f"Class {self.classes_[counts.argmin()]} has n_samples={counts.min()}, and {self.n_components}"
                f" component(s) need at least {max(2, self.n_components)}: take fewer components, or more utterances."
            )
        self.priors_ = counts / len(y)
        random = check_random_state(self.random_state)
        self.mixtures_ = [
            GaussianMixture(
                self.n_components,
                covariance_type=self.covariance_type,
                reg_covar=self.reg_covar,
                random_state=random.randint(2**31),
            ).fit(X[y == label])
            for label in self.classes_
        ]
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return softmax(self._log_joint(X), axis=1)

    def predict(self, X):
        """The most probable class of each row, shape (n,)."""
        most_probable = self._log_joint(X).argmax(axis=1)
        return self.classes_[most_probable]

    def _log_joint(self, X):
        """``log p(c) + log p(x | c)`` of shape (n, n_classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        return np.log(self.priors_) + np.column_stack([mixture.score_samples(X) for mixture in self.mixtures_])


class LabelEncoded(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """A classifier trained on 0 ... k-1 that takes and gives the labels themselves.

    ``XGBClassifier`` refuses words. Encoding them before a split breaks when a fold lacks a class, and makes it easy to
    read column 0 as the wrong emotion; here ``classes_`` are the sorted words, in the order of ``predict_proba``'s
    columns. `estimator`, any scikit-learn classifier, is cloned; ``estimator_`` is the fitted one. Lesson 05.

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

    @available_if(lambda self: hasattr(getattr(self, "estimator_", self.estimator), "predict_proba"))
    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)
