"""The same evaluation with several seeds: how much of a score is luck."""

from collections.abc import Iterable

import pandas as pd
from scipy import stats
from sklearn.base import clone
from tqdm import tqdm

from ser_helpers import quick_mode
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import protocols


def repeat(model, X, table, seeds=range(5), progress=True, **options):
    """Cross-validate with several seeds, each of which decides the folds and all that is random in the model.

    Parameters
    ----------
    model, X, table
        As for `cross_validate`.
    seeds : iterable of int
        In each run, the seed of the folds and of every ``seed`` and ``random_state`` of the model and its steps, also
        of those that have one already.
    progress : bool
        Show a bar that counts seeds.
    **options
        Passed to `cross_validate`: ``protocol``, ``n_splits``, ``jobs``, ``target``, ``name``, ``features``.

    Returns
    -------
    DataFrame
        Indexed by ``seed``, with columns ``uar``, ``accuracy``, ``weighted_f1`` (``ccc``, ``mse``, ``mae`` for a
        target of numbers), over all out-of-fold predictions. Its ``attrs`` hold ``corpus``, ``protocol`` and
        ``chance``, for figures.

    Raises
    ------
    EvaluationError
        There is no seed, one comes twice, or model, features and table do not fit together.

    Examples
    --------
    Lesson 06.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers import corpora
    >>> table = corpora.load("synthetic-small")
    >>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
    >>> repeat(LogisticRegression(), X, table, seeds=[0, 1], n_splits=2, progress=False).columns.tolist()
    ['uar', 'accuracy', 'weighted_f1']
    """
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        raise EvaluationError(f"seeds must be several numbers, not {seeds!r}: range(5) makes five.")
    seeds = list(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise EvaluationError(f"seeds must be different numbers, at least one, not {seeds}: range(5) makes five.")
    rows, seeds = {}, seeds[: quick_mode.limited("seeds", len(seeds))]
    for seed in tqdm(seeds, desc="seeds", unit="seed", leave=False, disable=not progress):
        result = protocols.cross_validate(_with_seed(model, seed), X, table, seed=seed, progress=False, **options)
        truth, predicted = result.predictions["truth"], result.predictions["predicted"]
        functions = protocols.CLASS_METRICS if result.labels else protocols.NUMBER_METRICS
        rows[seed] = {name: function(truth, predicted) for name, function in functions.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
    frame.attrs |= {"corpus": result.corpus, "protocol": result.protocol_words, "chance": result.chance}
    return frame


def interval(values):
    """Mean of some values and the ends of its 95 % interval after Student; the ends are NaN for a single value.

    Over seeds it tells how far luck in folds and training moves the mean. It says nothing about other speakers: all
    seeds share the same recordings.

    >>> [round(float(number), 2) for number in interval([0.4, 0.5, 0.6])]
    [0.5, 0.25, 0.75]
    """
    values = pd.Series(values, dtype=float)
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem()
    return values.mean(), values.mean() - half, values.mean() + half


def _with_seed(model, seed):
    if isinstance(model, type) or not hasattr(model, "get_params"):
        return model  # no estimator: cross_validate says so
    model = clone(model)
    names = [name for name in model.get_params() if name.rpartition("__")[2] in ("random_state", "seed")]
    return model.set_params(**dict.fromkeys(names, seed))
