"""Sequences for a network: frames scaled by the training set and cut to one length, sentences as word numbers."""

import re
from collections import Counter

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ser_helpers.features.text import listed


class FrameScaler(TransformerMixin, BaseEstimator):
    """Bring each dimension to mean 0 and standard deviation 1 over all frames of the training set.

    What ``StandardScaler`` does for tables, with ``mean_`` and ``scale_`` (dims,); a dimension that never changes
    becomes 0. `fit` and `transform` take a Series or list of arrays (frames, dims), or one array (n, frames, dims). A
    Series comes back as a Series with its index, anything else as a list of float32 arrays. They raise ValueError if
    the arrays differ in their dims or contain NaN. Lesson 06.

    >>> scaled = FrameScaler().fit_transform([np.array([[0.0], [2.0]]), np.array([[4.0]])])
    >>> scaled[0].round(2)
    array([[-1.22],
           [ 0.  ]], dtype=float32)
    """

    def fit(self, X, y=None):
        """Measure mean and standard deviation of each dimension."""
        frames = np.concatenate(_arrays(X))
        self.mean_ = frames.mean(axis=0, dtype=np.float64)
        deviation = frames.std(axis=0, dtype=np.float64)
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
    """Give every sequence the same number of frames, so that all fit into one array.

    A longer sequence is cut equally at both ends; a shorter one gets zeros on both sides. Zero is the mean after a
    :class:`FrameScaler`. `transform` takes what `FrameScaler` takes and returns a float32 array (n, frames, dims).
    There is nothing to learn. Lesson 06.

    Parameters
    ----------
    frames : int
        Frames that come out: ``FixedFrames(150, step=2)`` keeps 3 s of frames that are 10 ms apart.
    step : int
        First average every `step` neighbouring frames into one: that many times fewer to compute with.

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
        """Learn nothing; pipelines need the method."""
        return self

    def transform(self, X):
        """One array of shape (n, frames, dims)."""
        if self.frames < 1 or self.step < 1:
            raise ValueError(f"frames and step must be at least 1, not {self.frames} and {self.step}.")
        arrays = _arrays(X)
        result = np.zeros((len(arrays), self.frames, arrays[0].shape[1]), dtype=np.float32)
        for row, sequence in zip(result, arrays, strict=True):
            starts = np.arange(0, len(sequence), self.step)
            sums = np.add.reduceat(sequence, starts, axis=0)
            means = sums / np.diff(starts, append=len(sequence))[:, None]
            spare = self.frames - len(means)
            if spare >= 0:
                row[spare // 2 : spare // 2 + len(means)] = means
            else:
                row[:] = means[-spare // 2 :][: self.frames]
        return result

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
        raise ValueError("X contains NaN or infinite values: drop these utterances.")
    return arrays


def _like(X, arrays):
    """A Series with the index of X where X is one, else the list itself."""
    if not isinstance(X, pd.Series):
        return arrays
    series = pd.Series(index=X.index, dtype=object, name=X.name)
    series[:] = arrays
    return series


WORD = re.compile(r"\w+(?:'\w+)*|[?!]")
UNKNOWN = 1


def split_words(text):
    """The words of a sentence in lower case, and its question and exclamation marks. Lesson 10.

    >>> split_words("I’m fine. Really?")
    ["i'm", 'fine', 'really', '?']
    """
    return WORD.findall(text.lower().replace("’", "'"))


class Vocabulary(TransformerMixin, BaseEstimator):
    """Number the words that the training sentences use; a network learns a vector for each number.

    The dict ``vocabulary_`` numbers them from 2 on; 0 is no word (padding), 1 an unknown one. Words with fewer than
    `min_count` occurrences in the training sentences count as unknown, so that the network learns what to make of
    these.

    `fit` and `transform` take a Series or list of sentences. `transform` gives one float32 array (words, 1) for each,
    the shape that ``KerasClassifier`` pads with zeros: a Series for a Series, else a list. A missing or empty sentence
    becomes a single 0. In the network, ``Embedding(size, dims, mask_zero=True)`` hides the zeros. Lesson 10.

    >>> ids = Vocabulary(min_count=1).fit(["I know.", "You know!"])
    >>> ids.size, [row.ravel().tolist() for row in ids.transform(["I really know!", None])]
    (6, [[4.0, 1.0, 2.0, 3.0], [0.0]])
    """

    def __init__(self, min_count=2):
        self.min_count = min_count

    def fit(self, X, y=None):
        """Number the words, frequent ones first."""
        counts = Counter(word for text in listed(X) for word in split_words(text))
        frequent = sorted(
            (word for word in counts if counts[word] >= self.min_count), key=lambda word: (-counts[word], word)
        )
        self.vocabulary_ = {word: number for number, word in enumerate(frequent, start=UNKNOWN + 1)}
        return self

    def transform(self, X):
        """The numbers of the words of each sentence."""
        check_is_fitted(self)
        rows = [[self.vocabulary_.get(word, UNKNOWN) for word in split_words(text)] or [0] for text in listed(X)]
        return _like(X, [np.array(row, dtype=np.float32)[:, None] for row in rows])

    @property
    def size(self):
        """How many numbers there are, 0 and 1 included: the embedding layer needs a row for each."""
        check_is_fitted(self)
        return len(self.vocabulary_) + UNKNOWN + 1
