"""Three seconds of voice in, probabilities out: what a live detector and an archive ask for every window."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from ser_helpers.errors import ModelError
from ser_helpers.features import registry
from ser_helpers.models.pretrained import Encoder

SAMPLE_RATE = 16000
WINDOW = 3 * SAMPLE_RATE


class WindowClassifier(ClassifierMixin, BaseEstimator):
    """A classifier of windows of 3 s: a front that makes numbers of each, and a classifier of those numbers.

    Parameters
    ----------
    front : str, Encoder or callable
        A kind of ``features.kinds()`` such as "quick" or "logmel"; an ``Encoder`` with pooling; or a function of one
        window (48000,) that gives an array.
    classifier : scikit-learn classifier
        With ``predict_proba``. Cloned, so it stays unfitted.
    batched : bool
        Compute all windows of a call together, which is faster. Otherwise they are computed one by one, so that the
        result of a window does not depend, to the last bit, on what else is asked for.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    classifier_ : the fitted classifier

    Notes
    -----
    Used in Lessons 11 to 13.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> noise = np.random.default_rng(0).normal(size=(6, 48000)).astype(np.float32)
    >>> windows = noise * np.array([0.01, 0.1] * 3, np.float32)[:, None]
    >>> model = WindowClassifier(np.std, LogisticRegression(C=1000)).fit(windows, ["calm", "angry"] * 3)
    >>> model.predict(windows[:2]).tolist()
    ['calm', 'angry']
    """

    def __init__(self, front, classifier, batched=False):
        self.front = front
        self.classifier = classifier
        self.batched = batched

    def fit(self, windows, y):
        """Train on windows (n, 48000), 16 kHz mono float within ±1, and their n labels `y`.

        Raises ModelError when front or classifier are none.
        """
        return self.fit_features(self.features(windows), y)

    def fit_features(self, X, y):
        """Train on what `features` gave for n windows, and their labels `y`."""
        if isinstance(self.classifier, type) or not hasattr(self.classifier, "predict_proba"):
            kind = getattr(self.classifier, "__name__", type(self.classifier).__name__)
            raise ModelError(f"{kind} gives no probabilities: give a classifier (not its class) with predict_proba.")
        self.classifier_ = clone(self.classifier).fit(X, y)
        return self

    @property
    def classes_(self):
        """The labels, sorted."""
        check_is_fitted(self, "classifier_")
        return self.classifier_.classes_

    def features(self, windows):
        """The front alone: (n, dims), or (n, frames, dims), float32; ModelError when `windows` or front are none."""
        windows = _checked(windows)
        if isinstance(self.front, Encoder) and self.front.pooling is None:
            raise ModelError("An Encoder gives a window one row of numbers with pooling only: give it pooling='mean'.")
        if isinstance(self.front, type) or not (isinstance(self.front, str | Encoder) or callable(self.front)):
            raise ModelError(f"front is a kind of feature, an Encoder or a function of a window, not {self.front!r}.")
        if isinstance(self.front, Encoder):
            groups = [windows] if self.batched else [windows[row : row + 1] for row in range(len(windows))]
            return np.concatenate([self.front.embed(list(group)) for group in groups])
        rows = [np.atleast_1d(self._row(window)) for window in windows]
        try:
            return np.array(rows, np.float32)
        except (TypeError, ValueError) as error:
            raise ModelError("The front must give numbers, in the same shape for every window.") from error

    def classify(self, X):
        """The classifier alone: probabilities (n, n_classes), float64, from what `features` gave."""
        check_is_fitted(self, "classifier_")
        step = max(len(X), 1) if self.batched else 1
        parts = [self.classifier_.predict_proba(X[row : row + step]) for row in range(0, len(X), step)]
        return np.concatenate([np.empty((0, len(self.classes_))), *parts])

    def predict_proba(self, windows):
        """Probabilities of shape (n, n_classes), float64, of windows (n, 48000)."""
        return self.classify(self.features(windows))

    def predict(self, windows):
        """The most probable label of each window, shape (n,)."""
        return self.classes_[self.predict_proba(windows).argmax(axis=1)]

    def _row(self, window):
        if isinstance(self.front, str):
            return registry.compute(self.front, window, SAMPLE_RATE)
        return self.front(window)


def _checked(windows):
    try:
        windows = np.asarray(windows)
    except ValueError:
        raise ModelError("Windows are an array, not a list of unequal rows.") from None
    if windows.ndim != 2 or windows.shape[1] != WINDOW or len(windows) == 0:
        raise ModelError(
            f"Windows are an array (n, {WINDOW}): 3 s each at 16 kHz, at least one; this one has the shape "
            f"{windows.shape}."
        )
    if not np.issubdtype(windows.dtype, np.floating) or not np.isfinite(windows).all():
        raise ModelError("Windows hold finite float samples within ±1: divide integers by 32768, and leave NaN out.")
    return windows.astype(np.float32, copy=False)
