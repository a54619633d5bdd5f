"""Models of windows of 3 s, as detectors, podcasts, the call monitor and the service take them."""

import functools

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from ser_helpers.errors import ModelError
from ser_helpers.features import registry
from ser_helpers.models.batches import InBatches, as_array
from ser_helpers.pretrained.encoder import Encoder

SAMPLE_RATE = 16000
WINDOW = 3 * SAMPLE_RATE


class _WindowEstimator(BaseEstimator):
    """What `WindowClassifier` and `WindowRegressor` share: features of windows, and how they are handed on."""

    card = _label = normaliser_ = None
    threshold_ = 0.0
    regression = False

    @property
    def label(self):
        """The name for reports and pages, with what it was trained on where that is known."""
        return self._label or (self.card.title if self.card else type(self).__name__)

    def fit(self, windows, y):
        """Train on windows (n, 48000), 16 kHz mono float within ±1, and what to predict of each, `y`.

        Raises ModelError when the feature extractor or the estimator cannot be used.
        """
        return self.fit_features(self.features(windows), y)

    def features(self, windows):
        """Features of windows (n, 48000): (n, dims) or (n, frames, dims), float32.

        Raises ModelError when the windows or the feature extractor cannot be used.
        """
        windows, extractor = _checked(windows), self.feature_extractor
        if isinstance(extractor, Encoder) and extractor.pooling is None:
            raise ModelError("An Encoder gives a window one row of numbers with pooling only: give it pooling='mean'.")
        if isinstance(extractor, type) or not (isinstance(extractor, str | Encoder) or callable(extractor)):
            raise ModelError(
                f"feature_extractor is a kind of feature, an Encoder or a function of a window, not {extractor!r}."
            )
        if isinstance(extractor, Encoder):
            groups = [windows] if self.batched else [windows[row : row + 1] for row in range(len(windows))]
            return np.concatenate([extractor.embed(list(group)) for group in groups])
        if isinstance(extractor, str):
            extractor = functools.partial(registry.compute, extractor, sr=SAMPLE_RATE, **(self.parameters or {}))
        rows = [np.atleast_1d(extractor(window)) for window in windows]
        try:
            return np.array(rows, np.float32)
        except (TypeError, ValueError) as error:
            raise ModelError("The feature extractor must give numbers, in the same shape for every window.") from error

    def _outputs(self, predict, X):
        """(n, outputs) of `predict` for the rows of `X`: all together, or one by one."""
        step = max(len(X), 1) if self.batched else 1
        parts = [np.asarray(predict(X[row : row + step]), float) for row in range(0, len(X), step)]
        outputs = len(self.output_names)
        return np.concatenate([np.empty((0, outputs)), *(part.reshape(-1, outputs) for part in parts)])


class WindowClassifier(ClassifierMixin, _WindowEstimator):
    """A classifier of windows of 3 s: a feature extractor, and a classifier of its features.

    It is a ``streaming.WindowModel``: detectors, podcasts, the call monitor and the service take it. Lessons 11 to 13.

    Parameters
    ----------
    feature_extractor : str, Encoder or callable
        A kind of ``features.kinds()`` such as "quick" or "logmel"; an ``Encoder`` with pooling; or a function of one
        window (48000,) that gives an array. A model with a function of your own cannot be saved.
    classifier : scikit-learn classifier
        With ``predict_proba``. Cloned, so it stays unfitted.
    batched : bool
        Compute all windows of a call together, which is faster. Otherwise they are computed one by one, so that the
        result of a window does not depend, to the last bit, on what else is asked for.
    parameters : dict, optional
        Of the kind of feature, such as ``{"deltas": True}`` for "mfcc".

    Attributes
    ----------
    classes_, output_names : ndarray of shape (n_classes,)
        Sorted labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    classifier_ : the fitted classifier
    card : ModelCard or None
        What it was trained on and how it was judged, if it comes from a file.
    label : str
        What reports and pages call it.
    normaliser_ : RunningNormaliser or None
        If the model measures each voice against itself: detectors put features through ``normaliser_.voice()`` of their
        stream before ``predict_features``. ``predict_proba`` takes each window for the first of a new voice.
    threshold_ : float
        Below this probability of the likeliest label, programs show "uncertain".

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> noise = np.random.default_rng(0).normal(size=(6, 48000)).astype(np.float32)
    >>> windows = noise * np.array([0.01, 0.1] * 3, np.float32)[:, None]
    >>> model = WindowClassifier(np.std, LogisticRegression(C=1000)).fit(windows, ["calm", "angry"] * 3)
    >>> model.predict(windows[:2]).tolist()
    ['calm', 'angry']
    """

    def __init__(self, feature_extractor, classifier, batched=False, parameters=None):
        self.feature_extractor = feature_extractor
        self.classifier = classifier
        self.batched = batched
        self.parameters = parameters

    def fit_features(self, X, y):
        """Train on features of n windows, as from `features` or ``features.extract(..., seconds=3)``, and labels."""
        if isinstance(self.classifier, type) or not hasattr(self.classifier, "predict_proba"):
            kind = getattr(self.classifier, "__name__", type(self.classifier).__name__)
            raise ModelError(f"{kind} gives no probabilities: give a classifier (not its class) with predict_proba.")
        self.classifier_ = clone(self.classifier).fit(as_trained(self.classifier, X), np.asarray(y))
        return self

    @property
    def classes_(self):
        """The labels, sorted."""
        check_is_fitted(self, "classifier_")
        return self.classifier_.classes_

    output_names = classes_

    def predict_features(self, X):
        """Probabilities (n, n_classes), float64, from the `features` of n windows, normalised if the model wants it."""
        check_is_fitted(self, "classifier_")
        return self._outputs(self.classifier_.predict_proba, X)

    def predict_proba(self, windows):
        """Probabilities of shape (n, n_classes), float64, of windows (n, 48000)."""
        X = self.features(windows)
        if self.normaliser_ is not None:
            X = np.concatenate([self.normaliser_.voice().update(row) for row in X[:, None]])
        return self.predict_features(X)

    def predict(self, windows):
        """The most probable label of each window, shape (n,)."""
        return self.classes_[self.predict_proba(windows).argmax(axis=1)]


class WindowRegressor(RegressorMixin, _WindowEstimator):
    """A regressor of windows of 3 s, such as of arousal: a feature extractor, and a regressor of its features.

    It is a ``streaming.WindowModel`` too: detectors and ``ser predict`` take it, and show no emotion. Detectors,
    podcasts, calls and the service take one of valence and arousal, from -1 to 1, beside a classifier. Lesson 12.

    Parameters
    ----------
    feature_extractor, batched, parameters
        As for `WindowClassifier`.
    regressor : scikit-learn regressor
        Of one number per window, or of several. Cloned, so it stays unfitted.
    output_names : tuple of str
        What the numbers are.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> noise = np.random.default_rng(0).normal(size=(6, 48000)).astype(np.float32)
    >>> model = WindowRegressor(np.std, Ridge(alpha=0)).fit(noise * np.float32(0.1), [2.0] * 6)
    >>> model.output_names, model.predict(noise[:2]).round(1).tolist()
    (('arousal',), [[2.0], [2.0]])
    """

    regression = True

    def __init__(self, feature_extractor, regressor, output_names=("arousal",), batched=False, parameters=None):
        self.feature_extractor = feature_extractor
        self.regressor = regressor
        self.output_names = output_names
        self.batched = batched
        self.parameters = parameters

    def fit_features(self, X, y):
        """Train on features of n windows and numbers (n,) or (n, outputs)."""
        y = np.asarray(y, float)
        if y[0].size != len(self.output_names):
            raise ModelError(f"y has {y[0].size} numbers per window, and output_names has {len(self.output_names)}.")
        self.regressor_ = clone(self.regressor).fit(as_trained(self.regressor, X), y)
        return self

    def predict_features(self, X):
        """Numbers (n, outputs), float64, from the `features` of n windows."""
        check_is_fitted(self, "regressor_")
        return self._outputs(self.regressor_.predict, X)

    def predict(self, windows):
        """Numbers (n, outputs) of windows (n, 48000)."""
        return self.predict_features(self.features(windows))


def as_trained(estimator, X):
    """Features of windows as the estimator of a window model takes them: an array, unless it reads them in batches.

    >>> as_trained(None, [[0.0, 1.0], [2.0, 3.0]]).dtype
    dtype('float32')
    """
    return X if isinstance(estimator, InBatches) else as_array(X)


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
        raise ModelError("Windows are finite float samples within ±1: divide integers by 32768, and leave NaN out.")
    return windows.astype(np.float32, copy=False)
