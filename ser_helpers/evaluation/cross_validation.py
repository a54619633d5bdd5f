"""Cross-validation on utterance tables, by speaker, session or at random; and the same with several seeds."""

import dataclasses
import os
import warnings
from collections.abc import Iterable

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from ser_helpers import corpora, quick_mode
from ser_helpers.corpora.labels import label_order
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import metrics
from ser_helpers.evaluation.result import Result
from ser_helpers.models import by_modality, gaps

CLASS_METRICS = {"uar": metrics.uar, "accuracy": metrics.accuracy, "weighted_f1": metrics.weighted_f1}
NUMBER_METRICS = {"ccc": metrics.ccc, "mse": metrics.mse, "mae": metrics.mae}


def cross_validate(
    model,
    X,
    table,
    protocol="speaker",
    n_splits=5,
    seed=0,
    jobs=1,
    target="emotion",
    name=None,
    features=None,
    progress=True,
    return_train=False,
):
    """Fit a fresh copy of `model` in every fold and store its predictions of the fold's test utterances in a `Result`.

    Raises EvaluationError if model, features and table do not fit together; CorpusError if the table cannot be split
    this way, for example by speaker when there is only one. Used from Lesson 04 on.

    Parameters
    ----------
    model : scikit-learn estimator
        Cloned for each fold, so it stays unfitted. Put scalers into a pipeline: outside, they see the test set.
        If it has a ``random_state`` or ``seed`` that is None, the copies get `seed`.
    X : DataFrame or Series of arrays
        Features by utterance: a feature table, or one array per utterance. Joined to `table` by index. The model gets
        its part as it is, with the index.
    table : DataFrame
        Utterance table of ``corpora.load``. A subset of the utterances of `X` is fine.
    protocol, n_splits, seed
        Passed to ``corpora.split``.
    jobs : int
        Number of folds fitted at the same time.
    target : str
        Column to predict. Words are classified; numbers (``"arousal"``) are regressed and scored by CCC, MSE and MAE.
    name, features : str, optional
        Names of the model and the features in tables and titles; by default the class of the (last) estimator and the
        kind in the feature table's ``attrs``.
    progress : bool
        Show a bar that counts folds.
    return_train : bool
        Also score each fold on its own training set, as the column ``train_uar`` (or ``train_ccc``) of ``folds``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> table = corpora.load("synthetic-small")
    >>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
    >>> result = cross_validate(LogisticRegression(), X, table, n_splits=4, features="V-A", progress=False)
    >>> result.verdict
    'No speaker crosses between training and test.'
    """
    _check_model(model)
    X, table = join(X, table, target)
    splits = corpora.split(table, protocol, n_splits=quick_mode.limited("folds", n_splits), seed=seed)
    return _evaluate(model, X, table, splits, protocol, seed, jobs, target, name, features, progress, return_train)


def transfer(model, X, train, test, scheme=None, target="emotion", seed=0, name=None, features=None):
    """Train on one corpus, or several, and test on another: a `Result` whose interval is over the test speakers.

    Of the labels, those that both tables have are used; utterances with others are left out. Raises EvaluationError
    if there are fewer than two, or if model, features and tables do not fit together. Lesson 11.

    Parameters
    ----------
    model : scikit-learn estimator
        As for `cross_validate`; fitted once, on all of `train`.
    X : DataFrame or Series of arrays
        Features of the utterances of both tables, such as ``features.extract(corpora.combine([train, test]), kind)``.
    train, test : DataFrame
        Utterance tables. Another direction is another call.
    scheme : str, optional
        A scheme of ``corpora.harmonise`` for both tables, such as "shared"; None leaves the labels as they are.
    target, seed, name, features
        As for `cross_validate`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> a, b = corpora.load("synthetic-small"), corpora.load("synthetic-iemocap-small")
    >>> X = pd.DataFrame({"length": 1.0, "arousal": [*a.arousal, *b.arousal]}, [*a.index, *b.index])
    >>> transfer(LogisticRegression(), X, a, b, scheme="iemocap4").protocol_words
    'trained on synthetic'
    """
    _check_model(model)
    if scheme:
        train, test = corpora.harmonise(train, scheme), corpora.harmonise(test, scheme)
    if not pd.api.types.is_numeric_dtype(train[target]):
        shared = set(train[target]) & set(test[target])
        if len(shared) < 2:
            raise EvaluationError(
                f"The corpora share {len(shared)} labels of {target!r}: give both the same ones, such as with"
                " scheme='shared'."
            )
        train, test = train[train[target].isin(shared)], test[test[target].isin(shared)]
    X, table = join(X, pd.concat([train, test]), target)
    split = (train.index.intersection(table.index), test.index.intersection(table.index))
    protocol = f"trained on {' + '.join(sorted(train['corpus'].unique()))}"
    result = _evaluate(model, X, table, [split], protocol, seed, 1, target, name, features, False, False)
    return dataclasses.replace(result, table=table.loc[split[1]])


def leave_one_corpus_out(model, X, table, **options):
    """Each corpus of a table in turn is tested by a model of all others: ``{corpus: Result}``. Lesson 11.

    `options` are those of `transfer`. Raises EvaluationError if the table has only one corpus.

    >>> from sklearn.linear_model import LogisticRegression
    >>> table = corpora.combine([corpora.load("synthetic-small"), corpora.load("synthetic-iemocap-small")])
    >>> results = leave_one_corpus_out(LogisticRegression(), table[["arousal"]], table, scheme="iemocap4")
    >>> sorted(results)
    ['synthetic', 'synthetic-iemocap']
    """
    names = sorted(table["corpus"].unique())
    if len(names) < 2:
        raise EvaluationError(f"There is only one corpus, {names[0]}: combine it with others, or use cross_validate.")
    is_test = {name: table["corpus"] == name for name in names}
    return {name: transfer(model, X, table[~is_test[name]], table[is_test[name]], **options) for name in names}


def _evaluate(model, X, table, splits, protocol, seed, jobs, target, name, features, progress, return_train):
    """The `Result` of fitting and testing on each of the `splits`, pairs of utterance names."""
    regression = pd.api.types.is_numeric_dtype(table[target]) and not pd.api.types.is_bool_dtype(table[target])
    _check_task(model, target, regression)
    y = table[target].to_numpy(dtype=float) if regression else table[target].astype(str).to_numpy(dtype=str)
    labels = [] if regression else label_order(y.tolist())
    if not regression and len(labels) < 2:
        raise EvaluationError(
            f"Every utterance is {labels[0]!r}: a classifier needs at least two labels to tell apart."
        )
    if regression and np.ptp(y) == 0:
        raise EvaluationError(f"The {target} of every utterance is {y[0]:g}: there is nothing to predict.")

    audits = [corpora.audit(table, train, test) for train, test in splits]
    positions = [(table.index.get_indexer(train), table.index.get_indexer(test)) for train, test in splits]
    for number, (train, _) in enumerate(positions, start=1):
        if labels and len(set(y[train])) < 2:
            raise EvaluationError(
                f"Fold {number} trains on '{y[train][0]}' alone: use fewer folds, or a protocol that mixes the labels."
            )
    runs = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_fold if jobs == 1 else _fold_in_worker)(
            model, X, y, train, test, number, seed, labels, return_train
        )
        for number, (train, test) in enumerate(positions, start=1)
    )
    runs = list(tqdm(runs, total=len(positions), desc="folds", unit="fold", leave=False, disable=not progress))

    predictions = pd.concat([frame.set_axis(test) for (frame, _), (_, test) in zip(runs, splits, strict=True)])
    folds = pd.DataFrame([scores for _, scores in runs], index=pd.RangeIndex(1, len(runs) + 1, name="fold"))
    folds["n_train"], folds["n_test"] = [len(train) for train, _ in splits], [len(test) for _, test in splits]
    folds["test_speakers"] = [", ".join(sorted(table.loc[test, "speaker"].unique())) for _, test in splits]
    return Result(
        folds=folds,
        predictions=predictions.rename_axis(table.index.name),
        table=table,
        labels=labels,
        audits=audits,
        protocol=protocol,
        target=target,
        name=name or _model_name(model),
        features=features or _features_name(X),
    )


def repeat(model, X, table, seeds=range(5), progress=True, **options):
    """Cross-validate with several seeds, each of which sets the folds and all randomness of the model. Lesson 06.

    Raises EvaluationError if there is no seed, one comes twice, or model, features and table do not fit together.

    Parameters
    ----------
    model, X, table
        As for `cross_validate`.
    seeds : iterable of int
        Of the folds and of every ``seed`` and ``random_state`` of the model and its steps, whatever their value.
    progress : bool
        Show a bar that counts seeds.
    **options
        Passed to `cross_validate`: ``protocol``, ``n_splits``, ``jobs``, ``target``, ``name``, ``features``.

    Returns
    -------
    DataFrame
        Indexed by ``seed``, with columns ``uar``, ``accuracy``, ``weighted_f1`` (``ccc``, ``mse``, ``mae`` for a
        target of numbers), over all out-of-fold predictions. Its ``attrs`` have ``corpus``, ``protocol`` and
        ``chance``, for figures.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> table = corpora.load("synthetic-small")
    >>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
    >>> repeat(LogisticRegression(), X, table, seeds=[0, 1], n_splits=2, progress=False).columns.tolist()
    ['uar', 'accuracy', 'weighted_f1']
    """
    _check_model(model)
    if not isinstance(seeds, Iterable) or isinstance(seeds, str):
        raise EvaluationError(f"seeds must be several numbers, not {seeds!r}: range(5) makes five.")
    seeds = list(seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise EvaluationError(f"seeds must be different numbers, at least one, not {seeds}: range(5) makes five.")
    rows, seeds = {}, seeds[: quick_mode.limited("seeds", len(seeds))]
    for seed in tqdm(seeds, desc="seeds", unit="seed", leave=False, disable=not progress):
        result = cross_validate(_seeded(model, seed, every=True), X, table, seed=seed, progress=False, **options)
        truth, predicted = result.predictions["truth"], result.predictions["predicted"]
        rows[seed] = {name: function(truth, predicted) for name, function in _metrics(result.labels).items()}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
    frame.attrs |= {"corpus": result.corpus, "protocol": result.protocol_words, "chance": result.chance_level}
    return frame


def _fold_in_worker(*arguments):
    """The same in a worker, which has one core: joblib limits BLAS threads, but not TensorFlow's."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    return _fold(*arguments)


def _fold(model, X, y, train, test, number, seed, labels, return_train):
    """Predictions on the test part as a DataFrame, and their scores."""
    model = _seeded(model, seed).fit(X.iloc[train], y[train])
    predicted = np.asarray(model.predict(X.iloc[test]))
    if predicted.size != len(test):
        raise EvaluationError(
            f"In fold {number} the model gives {predicted.size} predictions for {len(test)} utterances: predict must"
            " return one label or number for each."
        )
    unknown = sorted(set(map(str, predicted.ravel())) - set(labels)) if labels else []
    if unknown:
        raise EvaluationError(
            f"In fold {number} the model predicts {unknown[0]!r}, which is not one of the labels: predict must return"
            f" {', '.join(labels)}."
        )
    frame = pd.DataFrame({"fold": number, "truth": y[test], "predicted": predicted.ravel()})
    numbers = predicted if not labels else np.empty(0)
    if labels and hasattr(model, "predict_proba"):
        classes = [str(label) for label in model.classes_]
        numbers = pd.DataFrame(np.asarray(model.predict_proba(X.iloc[test])), columns=classes)
        numbers = numbers.reindex(columns=labels, fill_value=0.0)  # 0 for a label that this fold's training set lacks
        frame = frame.join(numbers.add_prefix("p_"))
    if not np.isfinite(np.asarray(numbers, dtype=float)).all():
        raise EvaluationError(
            f"In fold {number} the model predicts NaN: scale the features, or lower the learning rate."
        )
    scores = {metric: function(y[test], predicted.ravel()) for metric, function in _metrics(labels).items()}
    if return_train:
        metric, function = next(iter(_metrics(labels).items()))
        scores[f"train_{metric}"] = function(y[train], np.ravel(model.predict(X.iloc[train])))
    return frame, scores


def _seeded(model, seed, every=False):
    """A fresh copy; each ``random_state`` and ``seed`` of it and its steps is `seed` if it was None, or in any case."""
    params = {key: value for key, value in model.get_params().items() if every or value is None}
    names = [key for key in params if key.rpartition("__")[2] in ("random_state", "seed")]
    return clone(model).set_params(**dict.fromkeys(names, seed))


def _metrics(labels):
    return CLASS_METRICS if labels else NUMBER_METRICS


def _check_model(model):
    if isinstance(model, type) or not hasattr(model, "fit") or not hasattr(model, "get_params"):
        raise EvaluationError(
            f"{model!r} is not a scikit-learn estimator: pass an unfitted model such as SVC(), with its parentheses."
        )


def _check_task(model, target, regression):
    if isinstance(model, BaseEstimator) and regression and is_classifier(model):
        raise EvaluationError(f"{target!r} has numbers and {_model_name(model)} is a classifier: use a regressor.")
    if isinstance(model, BaseEstimator) and not regression and is_regressor(model):
        raise EvaluationError(f"{target!r} has words and {_model_name(model)} is a regressor: use a classifier.")


def _model_name(model):
    return type(model.steps[-1][1] if isinstance(model, Pipeline) else model).__name__


def _features_name(X):
    if isinstance(X, pd.Series):
        return X.name or "sequences"
    return X.attrs.get("kind") or f"{X.shape[1]} features"


def join(X, table, target):
    """The utterances of `table` that have both features and a value of `target`: features and table on one index.

    `X` may have more utterances than `table`. Utterances whose features are all NaN (their recording could not be read)
    or that have no `target` are left out with a warning that names them; if there are several modalities, one may be
    missing. Anything else that does not fit raises EvaluationError. Used by ``cross_validate``, Lesson 04.
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
        for name, value in table[column].items():
            if not isinstance(value, str):
                problem = f"The {column} of {name!r} is {value!r}, which is no text"
                raise EvaluationError(f"{problem}: use table[{column!r}].astype(str).")
    _check_labels(table[target].dropna())
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


def _check_labels(values):
    """Raise EvaluationError unless all are text, or all are numbers."""
    kinds = {}
    for name, value in values.items():
        kinds.setdefault("text" if isinstance(value, str) else "number" if np.isscalar(value) else None, (name, value))
    if None in kinds:
        name, value = kinds[None]
        raise EvaluationError(f"The {values.name} of {name!r} is {value!r}: give every utterance one label or number.")
    if len(kinds) > 1:
        (name, text), (other, number) = kinds["text"], kinds["number"]
        problem = f"The {values.name} of {name!r} is {text!r} and that of {other!r} is {number!r}"
        raise EvaluationError(f"{problem}: give all of them text, or all of them numbers.")


def _drop_unusable(X, table, target):
    empty, broken = _gaps(X)
    if broken.any() and not empty[broken].all():
        names = X.index[broken & ~empty]
        raise EvaluationError(
            f"The features of {_names(names)} contain NaN or infinite values: impute them, or drop these utterances."
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
    """Which rows are empty, and which contain NaN or infinity outside of a missing modality."""
    if isinstance(X, pd.DataFrame) and {"path", "start", "end"} <= set(X.columns):  # for a model that reads recordings
        return np.zeros(len(X), bool), np.zeros(len(X), bool)
    try:
        parts = [gaps(part) for part in by_modality(X).values()]
        if not parts:
            return gaps(X)
    except (TypeError, ValueError):
        words = [column for column in X if not pd.api.types.is_numeric_dtype(X[column])]
        raise EvaluationError(f"The features {_names(words)} are not numbers: encode or drop them.") from None
    return np.all([empty for empty, _ in parts], axis=0), np.any([broken & ~empty for empty, broken in parts], axis=0)


def _names(index, most=3):
    more = f" and {len(index) - most} more" if len(index) > most and most > 1 else ""
    return ", ".join(repr(name) for name in list(index)[:most]) + more
