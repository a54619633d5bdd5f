"""Sentences as sequences of numbers: one for each word, on their way into an embedding layer."""

import re
from collections import Counter

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ser_helpers.features.text import listed

WORD = re.compile(r"\w+(?:'\w+)*|[?!]")
UNKNOWN = 1


def split_words(text):
    """The words of a sentence in small letters; question and exclamation marks are words, too. Lesson 10.

    >>> split_words("I’m fine. Really?")
    ["i'm", 'fine', 'really', '?']
    """
    return WORD.findall(text.lower().replace("’", "'"))


class WordIds(TransformerMixin, BaseEstimator):
    """Number the words that the training sentences use; a network learns a vector for each number.

    Parameters
    ----------
    min_count : int
        Words that are rarer in the training sentences count as unknown, so that the network learns what to make of a
        word it has never met.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        From 2 on. 0 is no word (padding), 1 an unknown one.

    Notes
    -----
    `fit` and `transform` take a Series or list of sentences. `transform` gives one float32 array (words, 1) for each,
    the shape that ``KerasClassifier`` pads with zeros: a Series for a Series, else a list. A missing or empty sentence
    becomes a single 0. In the network, ``Embedding(size, dims, mask_zero=True)`` hides the zeros. Used in Lesson 10.

    Examples
    --------
    >>> ids = WordIds(min_count=1).fit(["I know.", "You know!"])
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
        arrays = [np.array(row, dtype=np.float32)[:, None] for row in rows]
        if not isinstance(X, pd.Series):
            return arrays
        series = pd.Series(index=X.index, dtype=object, name=X.name)
        series[:] = arrays
        return series

    @property
    def size(self):
        """How many numbers there are, 0 and 1 included: the embedding layer needs a row for each."""
        check_is_fitted(self)
        return len(self.vocabulary_) + UNKNOWN + 1
