"""Fusion of modalities, such as audio and text: all in one table, with one model for each or one for all.

A table of modalities is ``pd.concat({"audio": features, "text": table["text"]}, axis=1)``: its columns have two levels,
(modality, feature). Columns that all hold arrays or words are one modality each.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize, minimize_scalar
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

SMALLEST = 1e-6
WAYS = ("equal", "learned", "stacked")
RULES = ("mean", "product")


class LateFusion(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """One classifier per modality, and a weighted mean, or product, of their probabilities.

    If an utterance lacks a modality, the others decide, with weights scaled up to 1; if it lacks all, it gets the
    shares of the labels in the training set. Each branch learns from the utterances that have its modality.

    Temperature scaling is that of Guo et al., "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599;
    mean and product are compared in Kittler et al., "On combining classifiers", IEEE PAMI 1998, doi:10.1109/34.667881;
    stacking is that of Wolpert, "Stacked generalization", Neural Networks 1992, doi:10.1016/S0893-6080(05)80023-1.
    `fit` raises ValueError if branches and modalities differ, a branch gives no probabilities, the weights are
    negative or all 0, or something is to be learned and `cv` is missing. Lesson 10.

    Parameters
    ----------
    branches : dict of str to classifier
        By modality, each with ``predict_proba``; a branch gets its part of the table (see ``models.by_modality``).
    weights : "equal", "learned", "stacked" or dict of str to number
        "learned": the weights, positive and adding up to 1, with the smallest cross-entropy. "stacked": a logistic
        regression on the logarithms of all probabilities, which may trust one branch about some labels and another
        about others; it decides where no modality is missing; elsewhere the rule does, with equal weights.
    rule : "mean" or "product"
        The mean asks for a label that *some* branch believes in, the product for one that *no* branch rules out. In the
        product, weights are exponents, and the prior, which every branch knows, counts once (naive Bayes).
    calibrate : bool
        Divide each branch's log-probabilities by a temperature first, so that an overconfident branch does not outvote
        the other.
    cv : splitter, such as SpeakerFolds
        Learned weights, stacking and temperatures come from out-of-fold predictions of the training utterances. Use
        ``models.SpeakerFolds(table)``, so that each prediction is about an unseen speaker.

    Attributes
    ----------
    classes_ : ndarray
        Sorted labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    branches_ : dict of str to fitted classifier
    weights_ : dict of str to float
    temperatures_ : dict of str to float
        All 1 unless `calibrate`; above 1 where the branch was overconfident.
    prior_ : ndarray
        The share of each label in the training set.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> sound, words = pd.DataFrame({"level": [1.0, 2.0, 8.0, 9.0]}), pd.DataFrame({"valence": [-1.0, 1.0, -2.0, 2.0]})
    >>> X, y = pd.concat({"audio": sound, "text": words}, axis=1), ["sad", "calm", "angry", "happy"]
    >>> model = LateFusion({"audio": LogisticRegression(), "text": LogisticRegression()}).fit(X, y)
    >>> model.predict(X).tolist(), model.weights_
    (['sad', 'calm', 'angry', 'happy'], {'audio': 0.5, 'text': 0.5})
    """

    def __init__(self, branches, weights="equal", rule="mean", calibrate=False, cv=None):
        self.branches = branches
        self.weights = weights
        self.rule = rule
        self.calibrate = calibrate
        self.cv = cv

    def fit(self, X, y):
        """Fit the branches on `X`, a table of modalities, and the labels `y`; and what joins them, if it is learned."""
        y = np.asarray(y)
        self._check(X)
        if y.shape != (len(X),) or pd.isna(y).any():
            raise ValueError(f"y must have one label for each of the {len(X)} utterances, none missing.")
        self.classes_, counts = np.unique(y, return_counts=True)
        self.prior_ = counts / counts.sum()
        self.temperatures_ = dict.fromkeys(self.branches, 1.0)
        self.weights_ = self._given_weights()
        self._stacker = None
        if self.calibrate or self.weights in ("learned", "stacked"):
            self._learn(self._out_of_fold(X, y), y)
        self.branches_ = self._fitted(X, y)
        return self

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        check_is_fitted(self, "branches_")
        self._check(X)
        probabilities = self._branch_probabilities(self.branches_, X)
        joined = join(list(probabilities.values()), list(self.weights_.values()), self.prior_, self.rule)
        complete = ~missing(X).any(axis=1).to_numpy()
        if self._stacker is not None and complete.any():
            joined[complete] = self._stacker.predict_proba(_logs(probabilities)[complete])
        return joined

    def predict(self, X):
        """The most probable label of each utterance, shape (n,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def get_params(self, deep=True):
        """The settings, with those of the branches as ``audio__C`` where `deep`."""
        params = super().get_params(deep=False)
        if deep:
            for name, branch in self.branches.items():
                nested = {f"{name}__{key}": value for key, value in branch.get_params().items()}
                params |= {name: branch, **nested}
        return params

    def set_params(self, **params):
        """Change settings, whole branches by their names, or settings of a branch as ``audio__C``."""
        branches = {name: params.pop(name) for name in list(params) if name in self.branches}
        if branches:
            self.branches = {**self.branches, **branches}
        return super().set_params(**params)

    def _check(self, X):
        modalities = list(by_modality(X))
        if set(modalities) != set(self.branches):
            raise ValueError(
                f"The branches are {', '.join(self.branches)} and X has {', '.join(modalities) or 'no modalities'}:"
                " make X with pd.concat({'audio': ..., 'text': ...}, axis=1), one branch for each."
            )
        for name, branch in self.branches.items():
            if not hasattr(branch, "predict_proba"):
                kind = type(branch).__name__
                raise ValueError(f"The {name} branch, a {kind}, gives no probabilities: use one with predict_proba.")
        if self.rule not in RULES:
            raise ValueError(f"rule is 'mean' or 'product', not {self.rule!r}.")

    def _given_weights(self):
        if isinstance(self.weights, dict):
            total = sum(self.weights.values())
            if set(self.weights) != set(self.branches) or min(self.weights.values()) < 0 or not total > 0:
                raise ValueError(
                    f"weights must give a number of 0 or more to each of {', '.join(self.branches)}, not all 0."
                )
            return {name: self.weights[name] / total for name in self.branches}
        if self.weights not in WAYS:
            raise ValueError(f"weights is {', '.join(map(repr, WAYS))} or a dict, not {self.weights!r}.")
        return dict.fromkeys(self.branches, 1 / len(self.branches))

    def _fitted(self, X, y):
        """A fresh copy of each branch, fitted on the utterances that have its modality."""
        parts, lacking = by_modality(X), missing(X)
        fitted = {}
        for name, branch in self.branches.items():
            present = ~lacking[name].to_numpy()
            if len(np.unique(y[present])) < 2:
                raise ValueError(f"Fewer than two labels have any {name}: there is nothing for its branch to learn.")
            fitted[name] = clone(branch).fit(parts[name][present], y[present])
        return fitted

    def _branch_probabilities(self, branches, X):
        """Each branch's tempered probabilities, {name: (n, n_classes)}; NaN where the modality is missing."""
        parts, lacking = by_modality(X), missing(X)
        probabilities = {}
        for name, branch in branches.items():
            present = ~lacking[name].to_numpy()
            probabilities[name] = np.full((len(X), len(self.classes_)), np.nan)
            if present.any():
                known = pd.DataFrame(branch.predict_proba(parts[name][present]), columns=branch.classes_)
                known = known.reindex(columns=self.classes_, fill_value=0.0).to_numpy()
                probabilities[name][present] = tempered(known, self.temperatures_[name])
        return probabilities

    def _out_of_fold(self, X, y):
        """Probabilities of the training utterances by branches that were not trained on them."""
        if self.cv is None:
            raise ValueError(
                "Weights and temperatures are learned from predictions about unseen speakers: give the folds,"
                " cv=models.SpeakerFolds(table)."
            )
        probabilities = {name: np.full((len(y), len(self.classes_)), np.nan) for name in self.branches}
        for train, test in self.cv.split(X, y):
            fold = self._branch_probabilities(self._fitted(X.iloc[train], y[train]), X.iloc[test])
            for name in probabilities:
                probabilities[name][test] = fold[name]
        return probabilities

    def _learn(self, probabilities, y):
        """Temperatures, weights and stacker from out-of-fold probabilities."""
        truth = np.searchsorted(self.classes_, y)
        if self.calibrate:
            self.temperatures_ = {name: temperature(p, truth) for name, p in probabilities.items()}
            probabilities = {name: tempered(p, self.temperatures_[name]) for name, p in probabilities.items()}
        complete = ~np.isnan(np.stack(list(probabilities.values()))).any(axis=(0, 2))
        if self.weights in ("learned", "stacked") and len(np.unique(y[complete])) < 2:
            raise ValueError(
                f"Fewer than two labels have every modality, so weights={self.weights!r} cannot learn: use 'equal'."
            )
        if self.weights == "learned":
            branches = [p[complete] for p in probabilities.values()]
            weights = best_weights(branches, truth[complete], self.prior_, self.rule)
            self.weights_ = dict(zip(probabilities, weights, strict=True))
        if self.weights == "stacked":
            self._stacker = LogisticRegression(max_iter=1000).fit(_logs(probabilities)[complete], y[complete])


def join(probabilities, weights, prior, rule="mean"):
    """Probabilities of several branches as those of one: their weighted mean or product. Lesson 10.

    `probabilities` lists arrays (n, n_classes), one per branch. Where a row is NaN, the branch is left out and its
    weight goes to the others; where all rows are NaN, the result is the `prior`, of shape (n_classes,).

    >>> voice, words = np.array([[0.6, 0.4, 0.0]]), np.array([[0.0, 0.5, 0.5]])
    >>> join([voice, words], [0.5, 0.5], np.ones(3) / 3).round(2).tolist()
    [[0.3, 0.45, 0.25]]
    >>> join([voice, words], [0.5, 0.5], np.ones(3) / 3, "product").round(2).tolist()
    [[0.0, 1.0, 0.0]]
    """
    probabilities = np.stack(probabilities)  # (branches, n, n_classes)
    absent = np.isnan(probabilities)
    weights = np.maximum(weights, SMALLEST)  # a branch of weight 0 may be the only one left
    shares = np.where(absent, 0.0, np.reshape(weights, (-1, 1, 1)))
    total = shares.sum(axis=0)
    shares = shares / np.where(total > 0, total, 1)
    if rule == "mean":
        return np.where(total > 0, (shares * np.nan_to_num(probabilities)).sum(axis=0), prior)
    # naive Bayes: each branch adds log p(label | its input) - log p(label), and the prior counts once; with equal
    # shares 1 / branches, times the number of branches, each counts fully
    evidence = np.log(np.clip(np.where(absent, prior, probabilities), SMALLEST, None)) - np.log(prior)
    return softmax(np.log(prior) + (shares * (~absent).sum(axis=0) * evidence).sum(axis=0), axis=1)


def tempered(probabilities, temperature):
    """Probabilities (n, n_classes) with logarithms divided by `temperature`: above 1, more alike. Lesson 10."""
    if temperature == 1:
        return probabilities
    powers = np.clip(probabilities, SMALLEST, None) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def temperature(probabilities, truth):
    """The temperature with the smallest cross-entropy; `truth` (n,) gives columns, NaN does not count. Lesson 10."""
    present = ~np.isnan(probabilities).any(axis=1)
    probabilities, truth = probabilities[present], truth[present]

    def loss(log):
        return cross_entropy(tempered(probabilities, np.exp(log)), truth)

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def best_weights(probabilities, truth, prior, rule="mean"):
    """The weights of `join`, adding up to 1, with the smallest cross-entropy; `truth` (n,) gives columns. Lesson 10.

    >>> sure, guess = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.5, 0.5], [0.5, 0.5]])
    >>> [round(weight, 2) for weight in best_weights([sure, guess], np.array([0, 1]), np.array([0.5, 0.5]))]
    [1.0, 0.0]
    """

    def loss(weights):
        return cross_entropy(join(probabilities, weights, prior, rule), truth)

    equal = np.full(len(probabilities), 1 / len(probabilities))
    sums = {"type": "eq", "fun": lambda weights: weights.sum() - 1}
    weights = minimize(loss, equal, method="SLSQP", bounds=[(0, 1)] * len(equal), constraints=sums).x
    return (weights / weights.sum()).tolist()


def cross_entropy(probabilities, truth):
    """Minus the mean logarithm of the right label's probability; `truth` (n,) gives its column. Lesson 10."""
    return float(-np.log(np.clip(probabilities[np.arange(len(truth)), truth], SMALLEST, None)).mean())


def _logs(probabilities):
    """The logarithms of all branches' probabilities side by side, (n, branches * n_classes)."""
    return np.log(np.clip(np.concatenate(list(probabilities.values()), axis=1), SMALLEST, None))


def by_modality(X):
    """The parts of a table by modality; an empty dict where `X` has one kind of features only.

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
    present = np.flatnonzero(~missing(X)[modality])
    dropped = np.random.default_rng(seed).permutation(present)[: round(share * len(present))]
    keep = np.isin(np.arange(len(X)), dropped, invert=True)
    level = X.columns.get_level_values(0) == modality
    return X.where(keep[:, None] | ~level)


class Modality(TransformerMixin, BaseEstimator):
    """Pick one modality of a table by its name, such as "text": the first step of its branch in a pipeline or union.

    Missing words become the empty sentence, which text vectorisers accept; missing numbers stay NaN and need an
    imputer. `transform` returns a DataFrame, or a Series where the modality is one column of words or arrays.
    ValueError when the table has no such modality. Lesson 10.

    >>> X = pd.concat({"audio": pd.DataFrame({"pitch": [1.0, 2.0]}), "text": pd.Series(["Hello.", None])}, axis=1)
    >>> Modality("text").fit_transform(X).tolist()
    ['Hello.', '']
    """

    def __init__(self, name):
        self.name = name

    def fit(self, X, y=None):
        """Check that `X` has the modality; there is nothing to learn."""
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
    """A transformer for each modality, fitted on the training utterances that have it: the first step before a network.

    `transformers` is a dict by modality, such as ``{"audio": FrameScaler(), "text": Vocabulary()}``, and
    ``transformers_`` that of the fitted ones; modalities without one are left out. `transform` returns a DataFrame with
    one column of arrays per modality, as ``KerasClassifier`` takes it for a network with several inputs. A missing
    modality becomes zeros: for a sequence two rows, which a mask hides. ValueError when X has no such modality, or no
    utterance that has it. Lesson 10.

    >>> from sklearn.preprocessing import StandardScaler
    >>> from ser_helpers.models import Vocabulary
    >>> sound = pd.DataFrame({"pitch": [1.0, 3.0]})
    >>> X = pd.concat({"audio": sound, "text": pd.Series(["I know.", None])}, axis=1)
    >>> both = PerModality({"audio": StandardScaler(), "text": Vocabulary(min_count=1)}).fit_transform(X)
    >>> [row.tolist() for row in both.audio], [ids.ravel().tolist() for ids in both.text]
    ([[-1.0], [1.0]], [[2.0, 3.0], [0.0, 0.0]])
    """

    def __init__(self, transformers):
        self.transformers = transformers

    def fit(self, X, y=None):
        """Fit each transformer on its part of `X`."""
        self.transformers_, self._absent = {}, {}
        for name, transformer in self.transformers.items():
            _check_name(X, name)
            part = by_modality(X)[name][~missing(X)[name]]
            if not len(part):
                raise ValueError(f"No utterance has any {name}: there is nothing to fit its transformer on.")
            self.transformers_[name] = clone(transformer).fit(part)
            example = np.asarray(_rows(self.transformers_[name].transform(part[:1]))[0])
            shape = (2, *example.shape[1:]) if example.ndim > 1 else example.shape
            self._absent[name] = np.zeros(shape, example.dtype)
        return self

    def transform(self, X):
        """One array per utterance and modality."""
        check_is_fitted(self)
        columns = {}
        for name, transformer in self.transformers_.items():
            _check_name(X, name)
            present = ~missing(X)[name].to_numpy()
            rows = iter(_rows(transformer.transform(by_modality(X)[name][present])) if present.any() else [])
            cells = np.empty(len(X), dtype=object)
            for i, is_present in enumerate(present):
                cells[i] = next(rows) if is_present else self._absent[name]
            columns[name] = cells
        return pd.DataFrame(columns, index=X.index)


def gaps(part):
    """Which rows of a table or Series are empty, and which contain a NaN or an infinity: two arrays of bool.

    Raises TypeError or ValueError when a table contains words among numbers. Lesson 10.

    >>> [rows.tolist() for rows in gaps(pd.Series(["Oh?", " ", None]))]
    [[False, True, True], [False, True, True]]
    """
    if isinstance(part, pd.DataFrame):
        values = part.to_numpy(dtype=float)
        return np.isnan(values).all(axis=1), ~np.isfinite(values).all(axis=1)
    if any(isinstance(value, str) for value in part):
        empty = np.array([not isinstance(value, str) or not value.strip() for value in part])
        return empty, empty
    empty, broken = np.zeros((2, len(part)), bool)
    for row, value in enumerate(part):  # one at a time: they may lie in a file that is larger than memory
        array = np.asarray(np.nan if value is None or value is pd.NA else value, float)
        empty[row], broken[row] = np.isnan(array).all(), not np.isfinite(array).all()
    return empty, broken


def _rows(transformed):
    """A transformer's output as a list, one entry per utterance."""
    return list(transformed.to_numpy() if isinstance(transformed, pd.DataFrame) else transformed)


def _unwrapped(part):
    """A part's only column where it holds words or arrays."""
    if part.shape[1] == 1 and not pd.api.types.is_numeric_dtype(part.dtypes.iloc[0]):
        return part.iloc[:, 0]
    return part


def _check_name(X, name):
    names = list(by_modality(X))
    if name not in names:
        choice = f"it has {', '.join(map(str, names))}" if names else "it has one kind of features only"
        raise ValueError(
            f"X has no modality {name!r}; {choice}: make it with pd.concat({{'audio': ..., 'text': ...}}, axis=1)."
        )
