"""Scores of fused models when a modality is missing at test time."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from tqdm import tqdm

from ser_helpers import corpora
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import metrics
from ser_helpers.evaluation.cross_validation import join
from ser_helpers.models import by_modality, drop_modality


def without_modality(
    models, X, table, modality, shares=(0, 0.25, 0.5, 0.75, 1), protocol="session", n_splits=5, seed=0, progress=True
):
    """UAR of fused models when a share of the test utterances lacks a modality: rows are shares, columns are models.

    Each model is fitted once per fold on the training utterances as they are, and tested with every share. The same
    utterances lack the modality for all models, and those that lack it with a small share lack it with a larger one.
    The UAR is that of all test utterances together. Raises EvaluationError if X has no such modality, or does not fit
    the table. Lesson 10.

    Parameters
    ----------
    models : dict of str to classifier
        By name; each takes a table of modalities with gaps.
    X : DataFrame
        A table of modalities, see ``models.by_modality``; joined to `table` by index.
    table : DataFrame
        Utterance table of ``corpora.load``.
    modality : str
        What is missing, such as "audio".
    shares : sequence of float
        Of the test utterances, between 0 and 1.
    protocol, n_splits, seed
        Passed to ``corpora.split``; `seed` also decides which utterances lack the modality.
    progress : bool
        Show a bar that counts fits.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers.models import LateFusion
    >>> table = corpora.load("synthetic-small")
    >>> X = pd.concat({"voice": table[["arousal"]], "words": table[["valence"]]}, axis=1)
    >>> fused = LateFusion({"voice": LogisticRegression(), "words": LogisticRegression()})
    >>> scores = without_modality({"late": fused}, X, table, "words", (0, 1), "speaker", n_splits=4, progress=False)
    >>> bool(scores.late[0] > scores.late[1])
    True
    """
    if modality not in by_modality(X):
        raise EvaluationError(f"X has no modality {modality!r}; it has {', '.join(map(str, by_modality(X))) or 'one'}.")
    X, table = join(X, table, "emotion")
    y = table["emotion"].astype(str)
    splits = corpora.split(table, protocol, n_splits=n_splits, seed=seed)
    gaps = {share: drop_modality(X, modality, share, seed) for share in shares}
    predictions = {(share, name): pd.Series(index=X.index, dtype=object) for share in shares for name in models}
    fits = [(name, *split) for name in models for split in splits]
    for name, train, test in tqdm(fits, desc="fits", unit="fit", leave=False, disable=not progress):
        model = clone(models[name]).fit(X.loc[train], y[train].to_numpy(dtype=str))
        for share, gappy in gaps.items():
            predictions[share, name][test] = np.asarray(model.predict(gappy.loc[test]))
    rows = {share: {name: metrics.uar(y, predictions[share, name].astype(str)) for name in models} for share in shares}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(f"share without {modality}")
