"""Frame sequences on their way into a network: scaled by the training set, and cut to one length."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted


class FrameScaler(TransformerMixin, BaseEstimator):
    """Bring each dimension to mean 0 and standard deviation 1 over all frames of the training set.

    What ``StandardScaler`` does for tables; a dimension that never changes becomes 0.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (dims,)
        Mean and standard deviation of each dimension.

    Notes
    -----
    Lesson 06. `fit` and `transform` take a Series or list of arrays (frames, dims), or one array (n, frames, dims). A
    Series comes back as a Series with its index, anything else as a list of float32 arrays. They raise ValueError when
    the arrays do not have one number of dimensions or hold NaN.

    Examples
    --------
    >>> scaled = FrameScaler().fit_transform([np.array([[0.0], [2.0]]), np.array([[4.0]])])
    >>> scaled[0].round(2)
    array([[-1.22],
           [ 0.  ]], dtype=float32)
    """

    def fit(self, X, y=None):
        """Measure mean and standard deviation of each dimension."""
        everything = np.concatenate(_arrays(X))
        self.mean_ = everything.mean(axis=0, dtype=np.float64)
        deviation = everything.std(axis=0, dtype=np.float64)
        self.scale_ = np.where(deviation > 1e-6 * np.abs(self.mean_), deviation, np.inf)
        return self

    def transform(self, X):
        """The same frames, scaled."""
        check_is_fitted(self)
        arrays = _arrays(X)
        if arrays[0].shape[1] != len(self.mean_):
            raise ValueError(
                f"These frames have {arrays[0].shape[1]} dimensions, but the scaler was fitted on {len(self.mean_)}:"
                " compute the same features."
            )
        return _like(X, [((frames - self.mean_) / self.scale_).astype(np.float32) for frames in arrays])


class FixedFrames(TransformerMixin, BaseEstimator):
    """Give every sequence the same number of frames, so that all fit into one array: an image has one width.

    A longer sequence loses equally much at its beginning and its end; a shorter one gets zeros on both sides. Zero is
    the mean when a :class:`FrameScaler` comes before.

    Parameters
    ----------
    frames : int
        Frames that come out: ``FixedFrames(150, step=2)`` keeps 3 s of frames that are 10 ms apart.
    step : int
        First average each `step` neighbouring frames into one: that many times less to compute.

    Notes
    -----
    Lesson 06. `transform` takes what `FrameScaler` takes and returns a float32 array (n, frames, dims). Nothing is
    learnt.

    Examples
    --------
    >>> FixedFrames(4).transform([np.array([[1.0], [2.0]]), np.arange(1.0, 7.0)[:, None]])[..., 0]
    array([[0., 1., 2., 0.],
           [2., 3., 4., 5.]], dtype=float32)
    """

    def __init__(self, frames, step=1):
        self.frames = frames
        self.step = step

    def fit(self, X, y=None):
        """Learn nothing; a pipeline wants the method."""
        return self

    def transform(self, X):
        """One array of shape (n, frames, dims)."""
        if self.frames < 1 or self.step < 1:
            raise ValueError(f"frames and step must be at least 1, not {self.frames} and {self.step}.")
        arrays = _arrays(X)
        result = np.zeros((len(arrays), self.frames, arrays[0].shape[1]), dtype=np.float32)
        for place, sequence in zip(result, arrays, strict=True):
            self._put(place, self._average(sequence))
        return result

    def _average(self, sequence):
        starts = np.arange(0, len(sequence), self.step)
        sums = np.add.reduceat(sequence, starts, axis=0)
        return sums / np.diff(starts, append=len(sequence))[:, None]

    def _put(self, place, sequence):
        spare = self.frames - len(sequence)
        if spare >= 0:
            place[spare // 2 : spare // 2 + len(sequence)] = sequence
        else:
            place[:] = sequence[-spare // 2 :][: self.frames]

    def __sklearn_is_fitted__(self):
        return True


def _arrays(X):
    """The sequences of X as a list of arrays (frames, dims), checked."""
    arrays = [np.asarray(frames) for frames in X]
    shapes = {frames.shape[1:] for frames in arrays}
    if len(shapes) != 1 or arrays[0].ndim != 2 or not min(len(frames) for frames in arrays):
        raise ValueError(
            "X needs one array of shape (frames, dims) per utterance, all with the same dims and at least one frame."
        )
    if not all(np.isfinite(frames).all() for frames in arrays):
        raise ValueError("X holds NaN or infinite values: drop these utterances.")
    return arrays


def _like(X, arrays):
    """A Series with the index of X where X is one, else the list itself."""
    if not isinstance(X, pd.Series):
        return arrays
    series = pd.Series(index=X.index, dtype=object, name=X.name)
    series[:] = arrays
    return series
