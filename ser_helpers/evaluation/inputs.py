"""Joins features and utterances by name, and says in one sentence why they do not fit."""

import warnings

import numpy as np
import pandas as pd

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError
from ser_helpers.models import by_modality, gaps


def join(X, table, target):
    """The utterances of `table` that have both features and a value of `target`: features and table on one index.

    `X` may hold more utterances than `table`; the surplus is ignored. Utterances whose features are all NaN (their
    recording could not be read) or that have no `target` are left out with a warning that names them; where there are
    several modalities, one may be missing. Anything else that does not fit raises EvaluationError. Used by
    ``cross_validate``, Lesson 04.
    """
    if not isinstance(X, pd.DataFrame | pd.Series):
        raise EvaluationError(
            f"X must be a DataFrame or Series indexed by utterance, not {type(X).__name__}: wrap it in "
            "pd.DataFrame(X, index=table.index)."
        )
    if not isinstance(table, pd.DataFrame):
        raise EvaluationError(f"The utterance table is a {type(table).__name__}: load one with corpora.load.")
    for name, index in (("X", X.index), ("The utterance table", table.index)):
        if len(index) == 0:
            raise EvaluationError(f"{name} is empty: there is no utterance to evaluate.")
        if index.has_duplicates:
            raise EvaluationError(f"{name} lists {_names(index[index.duplicated()])} more than once: drop the copies.")
    lacking = [column for column in corpora.COLUMNS if column not in table]
    if lacking:
        raise EvaluationError(f"The utterance table lacks {_names(lacking)}: start from one of corpora.load.")
    if target not in list(table.columns):
        raise EvaluationError(f"The utterance table has no column {target!r}; it has {', '.join(table.columns)}.")
    for column in ("corpus", "speaker"):
        unknown = table.index[table[column].isna()]
        if len(unknown):
            raise EvaluationError(f"The {column} of {_names(unknown)} is missing: fill it in or drop them.")
    missing = table.index.difference(X.index, sort=False)
    if len(missing) == len(table):
        raise EvaluationError(
            f"X and the utterance table share no utterance ({_names(X.index, 1)} against {_names(table.index, 1)}): "
            "give X the table's index."
        )
    if len(missing):
        raise EvaluationError(
            f"X lacks {len(missing)} of {len(table)} utterances ({_names(missing)}): extract their features, or "
            "evaluate table.loc[X.index]."
        )
    X = X.loc[table.index]
    return _drop_unusable(X, table, target)


def _drop_unusable(X, table, target):
    empty, broken = _gaps(X)
    if broken.any() and not empty[broken].all():
        names = X.index[broken & ~empty]
        raise EvaluationError(
            f"The features of {_names(names)} hold NaN or infinite values: impute them, or drop these utterances."
        )
    unlabelled = table[target].isna().to_numpy()
    for left_out, reason in ((empty, "no features"), (unlabelled, f"no {target}")):
        if left_out.any():
            warnings.warn(
                f"{left_out.sum()} utterance(s) have {reason} and are left out: {_names(table.index[left_out])}.",
                stacklevel=4,
            )
    keep = ~empty & ~unlabelled
    if not keep.any():
        raise EvaluationError(f"No utterance has both features and a value of {target!r}.")
    return X[keep], table[keep]


def _gaps(X):
    """Which rows hold nothing at all, and which hold NaN or infinity in something else than a missing modality."""
    if isinstance(X, pd.DataFrame) and {"path", "start", "end"} <= set(X.columns):  # for a model that listens itself
        return np.zeros(len(X), bool), np.zeros(len(X), bool)
    try:
        found = [gaps(part) for part in by_modality(X).values()]
        if not found:
            return gaps(X)
    except (TypeError, ValueError):
        words = [column for column in X if not pd.api.types.is_numeric_dtype(X[column])]
        raise EvaluationError(f"The features {_names(words)} are not numbers: encode or drop them.") from None
    return np.all([empty for empty, _ in found], axis=0), np.any([broken & ~empty for empty, broken in found], axis=0)


def _names(index, most=3):
    more = f" and {len(index) - most} more" if len(index) > most and most > 1 else ""
    return ", ".join(repr(name) for name in list(index)[:most]) + more
