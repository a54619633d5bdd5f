"""What a network is fed: tables, arrays, sequences, or several inputs at once, as arrays of numbers."""

import numpy as np
import pandas as pd


def read(X):
    """The examples of `X` as float32 arrays, and the shape of one example.

    Parameters
    ----------
    X : table, array, Series, list, or DataFrame of several inputs
        A table or array of numbers, (n, ...). A Series or list of (frames, dims) arrays of different lengths, which
        get zero rows at the end. For a network with several inputs a DataFrame, whose columns are either arrays (one
        input each: vectors of one length, or (frames, dims)) or of two levels, (input, feature).

    Returns
    -------
    arrays : ndarray (n, ...), or a dict of them by the name of the input
    shape : tuple, or a dict of them
        Of one example; ``(None, dims)`` for sequences.

    Raises
    ------
    ValueError
        If X holds NaN or no features, or arrays that do not fit together.

    Examples
    --------
    Used by ``KerasClassifier`` and ``KerasRegressor``, from Lesson 04 on.

    >>> read([[1, 2], [3, 4]])[1], read([np.ones((4, 3)), np.ones((2, 3))])[1]
    ((2,), (None, 3))
    >>> both = pd.DataFrame({"voice": [np.ones((4, 3)), np.ones((2, 3))], "text": [np.ones(5), np.zeros(5)]})
    >>> arrays, shape = read(both)
    >>> arrays["voice"].shape, shape
    ((2, 4, 3), {'voice': (None, 3), 'text': (5,)})
    """
    columns = _inputs(X)
    if columns is None:
        return _one_input(X)
    arrays, shapes = {}, {}
    for name, values in columns.items():
        try:
            arrays[name], shapes[name] = _one_input(values)
        except ValueError as error:
            raise ValueError(f"The input {name!r}: {error}") from error
    return arrays, shapes


def parts(arrays):
    """The arrays of `read` as a list: one, or one per input in the order of their names.

    >>> len(parts({"voice": np.ones(2), "text": np.ones(2)}))
    2
    """
    return [arrays[name] for name in sorted(arrays)] if isinstance(arrays, dict) else [arrays]


def rows(arrays, start, stop):
    """Some examples of `read`'s arrays.

    >>> rows({"text": np.arange(5)}, 1, 3)["text"].tolist()
    [1, 2]
    """
    if isinstance(arrays, dict):
        return {name: array[start:stop] for name, array in arrays.items()}
    return arrays[start:stop]


def check_shape(arrays, trained_on):
    """Raise ValueError unless examples have the shape that the network was trained on; it may have other frames.

    >>> check_shape(np.ones((2, 4)), (5,))
    Traceback (most recent call last):
    ValueError: An example has the shape (4,), but the network was trained on (5,): compute the same features.
    """
    if isinstance(trained_on, dict) or isinstance(arrays, dict):
        given, wanted = (set(thing) if isinstance(thing, dict) else {"one input"} for thing in (arrays, trained_on))
        if given != wanted:
            raise ValueError(
                f"X has the inputs {', '.join(sorted(given))}, but the network was trained on"
                f" {', '.join(sorted(wanted))}: give the same."
            )
        for name, array in arrays.items():
            check_shape(array, trained_on[name])
    elif (arrays.ndim - 1, arrays.shape[-1]) != (len(trained_on), trained_on[-1]):
        raise ValueError(
            f"An example has the shape {arrays.shape[1:]}, but the network was trained on {trained_on}: compute the"
            " same features."
        )


def _inputs(X):
    """The inputs in a DataFrame by name, or None where `X` is a single one."""
    if not isinstance(X, pd.DataFrame) or not len(X):
        return None
    if X.columns.nlevels == 2:
        return {name: X[name] for name in X.columns.unique(0)}
    if any(np.ndim(value) for value in X.iloc[0]):
        return {name: _column(X[name]) for name in X}
    return None


def _column(values):
    """A column of sequences as they are, one of vectors or numbers as a list of vectors."""
    if np.ndim(values.iloc[0]) > 1:
        return values
    vectors = [np.atleast_1d(np.asarray(value, dtype="float32")) for value in values]
    if len({vector.shape for vector in vectors}) > 1:
        raise ValueError(f"The input {values.name!r} holds vectors of different lengths: give all the same features.")
    return np.stack(vectors)


def _one_input(X):
    ragged = _ragged(X)
    X = _padded(X) if ragged else np.asarray(X, dtype="float32")
    if X.ndim < 2 or not len(X):
        raise ValueError(f"X needs one row of features for each example, and its shape is {X.shape}.")
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinite values: impute them, or drop these examples.")
    return X, (None, *X.shape[2:]) if ragged else X.shape[1:]


def _ragged(X):
    """Whether `X` lists arrays of frames, whose number may differ from one to the next."""
    if isinstance(X, list):
        return len(X) > 0 and getattr(X[0], "ndim", 0) == 2
    return isinstance(X, pd.Series) or (isinstance(X, np.ndarray) and X.dtype == object)


def _padded(sequences):
    """Arrays of shape (frames, dims) as one (n, longest, dims), zero rows at the end of the shorter ones."""
    arrays = [np.asarray(sequence, dtype="float32") for sequence in sequences]
    dims = {array.shape[1:] for array in arrays}
    if len(dims) != 1 or any(array.ndim < 2 for array in arrays):
        raise ValueError(
            "Every sequence must be an array (frames, dims) of the same dims: extract one kind of feature."
        )
    padded = np.zeros((len(arrays), max(map(len, arrays)), *dims.pop()), dtype="float32")
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded
