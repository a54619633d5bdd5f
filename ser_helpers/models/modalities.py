"""Features of several kinds, such as audio and text, in one table: name them, pick one, leave one out.

A table of modalities is ``pd.concat({"audio": features, "text": table["text"]}, axis=1)``: its columns have two levels,
(modality, feature). Columns that all hold arrays or words are one modality each.
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted


def by_modality(X):
    """The parts of a table by modality; an empty dict where `X` holds one kind of features only.

    A part with one column of words or arrays is a Series, any other a DataFrame. Lesson 10.

    >>> sound = pd.DataFrame({"pitch": [1.0, 2.0], "level": [3.0, 4.0]})
    >>> X = pd.concat({"audio": sound, "text": pd.Series(["Hello.", "Oh?"])}, axis=1)
    >>> {name: type(part).__name__ for name, part in by_modality(X).items()}
    {'audio': 'DataFrame', 'text': 'Series'}
    """
    if not isinstance(X, pd.DataFrame):
        return {}
    if X.columns.nlevels == 2:
        return {name: _unwrapped(X[name]) for name in X.columns.unique(0)}
    words = [not pd.api.types.is_numeric_dtype(kind) for kind in X.dtypes]
    return {name: X[name] for name in X} if len(words) > 1 and all(words) else {}


def missing(X):
    """Which utterances lack which modality: a DataFrame of bool, one column per modality. Lesson 10.

    Numbers are missing when they are all NaN, words when there are none, arrays when they are None or NaN.

    >>> X = pd.concat({"audio": pd.DataFrame({"pitch": [1.0, np.nan]}), "text": pd.Series([" ", "Oh?"])}, axis=1)
    >>> missing(X).to_numpy().tolist()
    [[False, True], [True, False]]
    """
    return pd.DataFrame({name: gaps(part)[0] for name, part in by_modality(X).items()}, index=X.index)


def drop_modality(X, modality, share=1.0, seed=0):
    """A copy of `X` in which a random share of the utterances that have this modality lack it. Lesson 10.

    With the same seed, a larger share drops the same utterances and more. ValueError when there is no such modality.

    >>> X = pd.concat({"audio": pd.DataFrame({"pitch": [1.0, 2.0]}), "text": pd.Series(["Hello.", "Oh?"])}, axis=1)
    >>> missing(drop_modality(X, "audio", share=0.5)).sum().to_dict()
    {'audio': 1, 'text': 0}
    """
    _check_name(X, modality)
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, not {share}.")
    have = np.flatnonzero(~missing(X)[modality])
    dropped = np.random.default_rng(seed).permutation(have)[: round(share * len(have))]
    keep = np.isin(np.arange(len(X)), dropped, invert=True)
    level = X.columns.get_level_values(0) == modality
    return X.where(keep[:, None] | ~level)


class Modality(TransformerMixin, BaseEstimator):
    """Pick one modality of a table: the first step of its branch in a pipeline or union.

    Missing words become the empty sentence, which text vectorisers accept; missing numbers stay NaN: put an imputer
    behind.

    Parameters
    ----------
    name : str
        Such as "audio" or "text".

    Notes
    -----
    `transform` returns a DataFrame, or a Series where the modality is one column of words or arrays. ValueError when
    the table has no such modality. Used in Lesson 10.

    Examples
    --------
    >>> X = pd.concat({"audio": pd.DataFrame({"pitch": [1.0, 2.0]}), "text": pd.Series(["Hello.", None])}, axis=1)
    >>> Modality("text").fit_transform(X).tolist()
    ['Hello.', '']
    """

    def __init__(self, name):
        self.name = name

    def fit(self, X, y=None):
        """Look whether the modality is there; nothing is learnt."""
        _check_name(X, self.name)
        return self

    def transform(self, X):
        """The part of `X`."""
        _check_name(X, self.name)
        part = by_modality(X)[self.name]
        if isinstance(part, pd.Series) and not any(np.ndim(value) for value in part):
            return part.fillna("")
        return part

    def __sklearn_is_fitted__(self):
        return True


class PerModality(TransformerMixin, BaseEstimator):
    """A transformer for each modality, fitted on the training utterances that have it: what goes before a network.

    Parameters
    ----------
    transformers : dict of str to transformer
        Such as ``{"audio": FrameScaler(), "text": WordIds()}``; modalities without one are left out.

    Attributes
    ----------
    transformers_ : dict of str to fitted transformer

    Notes
    -----
    `transform` returns a DataFrame with one column of arrays per modality, as ``KerasClassifier`` takes it for a
    network with several inputs. A missing modality becomes zeros: for a sequence two rows, which a mask hides.
    ValueError when X has no such modality, or no utterance that has it. Used in Lesson 10.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ser_helpers.models import WordIds
    >>> sound = pd.DataFrame({"pitch": [1.0, 3.0]})
    >>> X = pd.concat({"audio": sound, "text": pd.Series(["I know.", None])}, axis=1)
    >>> both = PerModality({"audio": StandardScaler(), "text": WordIds(min_count=1)}).fit_transform(X)
    >>> [row.tolist() for row in both.audio], [ids.ravel().tolist() for ids in both.text]
    ([[-1.0], [1.0]], [[2.0, 3.0], [0.0, 0.0]])
    """

    def __init__(self, transformers):
        self.transformers = transformers

    def fit(self, X, y=None):
        """Fit each transformer on its part of `X`."""
        self.transformers_, self._nothing = {}, {}
        for name, transformer in self.transformers.items():
            _check_name(X, name)
            part = by_modality(X)[name][~missing(X)[name]]
            if not len(part):
                raise ValueError(f"No utterance has any {name}: there is nothing to fit its transformer on.")
            self.transformers_[name] = clone(transformer).fit(part)
            example = np.asarray(_rows(self.transformers_[name].transform(part[:1]))[0])
            shape = (2, *example.shape[1:]) if example.ndim > 1 else example.shape
            self._nothing[name] = np.zeros(shape, example.dtype)
        return self

    def transform(self, X):
        """One array per utterance and modality."""
        check_is_fitted(self)
        columns = {}
        for name, transformer in self.transformers_.items():
            _check_name(X, name)
            have = ~missing(X)[name].to_numpy()
            rows = iter(_rows(transformer.transform(by_modality(X)[name][have])) if have.any() else [])
            cells = np.empty(len(X), dtype=object)
            for place, there in enumerate(have):
                cells[place] = next(rows) if there else self._nothing[name]
            columns[name] = cells
        return pd.DataFrame(columns, index=X.index)


def gaps(part):
    """Which rows of a table or Series hold nothing, and which hold a NaN or an infinity: two arrays of bool.

    Words are never broken; raises TypeError or ValueError when a table holds words among numbers. Lesson 10.

    >>> [rows.tolist() for rows in gaps(pd.Series(["Oh?", " ", None]))]
    [[False, True, True], [False, True, True]]
    """
    if isinstance(part, pd.DataFrame):
        values = part.to_numpy(dtype=float)
        return np.isnan(values).all(axis=1), ~np.isfinite(values).all(axis=1)
    if any(isinstance(value, str) for value in part):
        empty = np.array([not isinstance(value, str) or not value.strip() for value in part])
        return empty, empty
    arrays = [np.atleast_1d(np.asarray(np.nan if value is None or value is pd.NA else value, float)) for value in part]
    empty = np.array([np.isnan(array).all() for array in arrays], dtype=bool)
    return empty, np.array([not np.isfinite(array).all() for array in arrays], dtype=bool)


def _rows(transformed):
    """What a transformer returns for several utterances as a list, one entry for each."""
    return list(transformed.to_numpy() if isinstance(transformed, pd.DataFrame) else transformed)


def _unwrapped(part):
    """A part's only column where it holds words or arrays."""
    if part.shape[1] == 1 and not pd.api.types.is_numeric_dtype(part.dtypes.iloc[0]):
        return part.iloc[:, 0]
    return part


def _check_name(X, name):
    names = list(by_modality(X))
    if name not in names:
        have = f"it has {', '.join(map(str, names))}" if names else "it has one kind of features only"
        raise ValueError(
            f"X has no modality {name!r}; {have}: make it with pd.concat({{'audio': ..., 'text': ...}}, axis=1)."
        )
