"""The result of a cross-validation: every out-of-fold prediction, and scores and intervals from them."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.splits import PROTOCOL_WORDS
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import bootstrap, metrics


def _pooled(metric, words):
    """A property: the score of all predictions in one go, not the mean over folds."""
    return property(lambda self: self._score(metric), doc=f"{words} over all out-of-fold predictions together.")


FEW_SPEAKERS = 5
"""From fewer, an interval over speakers says little: it may even have no width."""


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """The outcome of :func:`cross_validate`; Lesson 04 reads one line by line.

    Attributes
    ----------
    folds : DataFrame
        One row per fold: ``uar``, ``accuracy``, ``weighted_f1`` (or ``ccc``, ``mse``, ``mae``), ``n_train``,
        ``n_test``, ``test_speakers``.
    predictions : DataFrame
        Indexed by utterance: ``fold``, ``truth``, ``predicted`` and, if the model gives probabilities, one column
        ``p_<label>`` per label, in the order of `labels`. A repeated random split tests some utterances several times:
        such an utterance has several rows.
    table : DataFrame
        The utterances that were evaluated.
    labels : list of str
        The classes in the course's order; empty for a regression.
    audits : list of Audit
        What crosses between training and test, for each fold.
    protocol, target, name, features : str
    """

    folds: pd.DataFrame
    predictions: pd.DataFrame
    table: pd.DataFrame
    labels: list
    audits: list
    protocol: str
    target: str
    name: str
    features: str

    @property
    def corpus(self):
        """The corpus, or the corpora joined by " + "."""
        return " + ".join(sorted(self.table["corpus"].unique()))

    @property
    def synthetic(self):
        """Whether any of the speech was made by this package rather than by people."""
        return bool(self.table["corpus"].str.startswith("synthetic").any())

    @property
    def metric(self):
        """The first metric of this task: ``"uar"``, or ``"ccc"`` for a regression."""
        return "uar" if self.labels else "ccc"

    uar = _pooled("uar", "UAR")
    accuracy = _pooled("accuracy", "Accuracy")
    weighted_f1 = _pooled("weighted_f1", "Weighted F1")
    ccc = _pooled("ccc", "CCC")

    @property
    def score(self):
        """The first metric's value: UAR, or CCC for a regression."""
        return self._score(self.metric)

    @property
    def chance_level(self):
        """The score of guessing: 1 / number of labels for UAR, 0 for CCC."""
        return 1 / len(self.labels) if self.labels else 0.0

    @cached_property
    def interval(self):
        """Low and high end of the score's 95 % interval over speakers; NaN when there is only one speaker."""
        if self.labels:
            draws = np.nanmean(self._recall_draws, axis=1)
        else:
            draws = bootstrap.cccs(self.predictions["truth"], self.predictions["predicted"], *self._draw)
        low, high = self._between(draws)
        return float(low), float(high)

    @property
    def verdict(self):
        """One sentence on what training and test sets shared, over all folds."""
        crossed = sum(bool(audit.speakers) for audit in self.audits)
        copies = {name for audit in self.audits for pair in audit.duplicates for name in pair}
        sentence = "No speaker crosses between training and test."
        if crossed:
            folds = f"{crossed} of {len(self.audits)} folds"
            sentence = f"Speakers cross between training and test in {folds}: the score is for known voices."
        return sentence + (f" {len(copies)} utterances share a recording across the split." if copies else "")

    @property
    def caption(self):
        """Corpus, model, features and protocol in one line, as under the titles of figures."""
        parts = [f"{self.name} on {self.features}", self.protocol_words]
        return " · ".join([self.corpus, *parts] if self.target == "emotion" else [self.corpus, self.target, *parts])

    @property
    def protocol_words(self):
        """The protocol in words, with its number of folds."""
        other = self.protocol + (", {n} folds" if len(self.folds) > 1 else "")
        return PROTOCOL_WORDS.get(self.protocol, other).format(n=len(self.folds))

    def confusion(self, normalise=False):
        """Confusion matrix over all out-of-fold predictions; rows are the truth. See :func:`metrics.confusion`."""
        self._need_labels("a confusion matrix")
        return metrics.confusion(self.predictions["truth"], self.predictions["predicted"], self.labels, normalise)

    def recall(self):
        """Recall of each label: ``recall``, ``low``, ``high`` (95 % interval over speakers) and ``n`` utterances."""
        self._need_labels("recalls")
        low, high = self._between(self._recall_draws)
        counts = self.confusion().to_numpy()
        recall = counts.diagonal() / counts.sum(axis=1)
        columns = {"recall": recall, "low": low, "high": high, "n": counts.sum(axis=1)}
        return pd.DataFrame(columns, index=pd.Index(self.labels, name=self.target))

    def by(self, column):
        """Scores within each value of a column of the utterance table, such as ``"speaker"`` or ``"gender"``.

        Returns a DataFrame indexed by value: ``uar`` (over the labels that occur there), ``accuracy`` and ``n``; for a
        regression ``ccc``, ``mae`` and ``n``. Utterances without a value are left out. For a list of columns, such as
        ``["gender", "emotion"]``, the index has a level for each. Raises EvaluationError if a column is missing or
        empty.
        """
        columns = list(column) if isinstance(column, list | tuple) else [column]
        if not columns:
            raise EvaluationError("The list of columns is empty: name at least one, such as 'gender'.")
        for name in columns:
            self._need_column(name)
        table = self.table.loc[self.predictions.index]
        keys = [  # a Categorical sorts in the order of its categories
            pd.Categorical(table[name], label_order(table[name])) if name == self.target else table[name].to_numpy()
            for name in columns
        ]
        groups = self.predictions.groupby(keys if len(keys) > 1 else keys[0], observed=True)
        if groups.ngroups == 0:
            raise EvaluationError(f"No utterance of {self.corpus} has a {' and a '.join(columns)}.")
        names = ("uar", "accuracy") if self.labels else ("ccc", "mae")
        rows = {
            value: {name: getattr(metrics, name)(rows["truth"], rows["predicted"]) for name in names} | {"n": len(rows)}
            for value, rows in groups
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(columns)

    def gaps(self, column="gender"):
        """How much the score differs between groups of speakers, each pair of values of a column of the table.

        Returns a DataFrame with a row per pair, the largest difference first: ``first``, ``second`` (the values),
        ``first_score``, ``second_score``, ``difference``, ``low``, ``high`` (95 % interval over speakers) and
        ``p_value`` (permutation test over speakers; with several pairs, expect one in twenty below .05 by luck). The
        UAR is over the labels that both groups have. Groups without a common label are not compared. Raises
        EvaluationError if there are no two groups of speakers to compare.

        >>> from sklearn.linear_model import LogisticRegression
        >>> from ser_helpers import corpora, evaluation
        >>> table = corpora.load("synthetic-small")
        >>> X = table[["valence", "arousal"]]
        >>> result = evaluation.cross_validate(LogisticRegression(), X, table, n_splits=4, progress=False)
        >>> result.gaps("gender")[["first", "second"]].values.tolist()
        [['female', 'male']]
        """
        self._need_column(column)
        if self.table.groupby("speaker")[column].nunique().gt(1).any():
            raise EvaluationError(
                f"The {column} differs among the utterances of a speaker, and gaps compares groups of speakers: use"
                f" by({column!r})."
            )
        values = sorted(self.table[column].dropna().unique())
        if len(values) < 2:
            raise EvaluationError(
                f"All speakers have the same {column}, or none is known: there is nothing to compare."
            )
        rows = [row for pair in itertools.combinations(values, 2) if (row := self._gap(column, *pair))]
        if not rows:
            raise EvaluationError(
                f"No two groups by {column} have a label of {self.target!r} in common: there is nothing to compare."
            )
        return pd.DataFrame(rows).sort_values("difference", key=abs, ascending=False, ignore_index=True)

    def _gap(self, column, first, second):
        """One row of `gaps`; None if the two groups have no label in common."""
        group = self.table[column].loc[self.predictions.index].to_numpy()
        rows = self.predictions[(group == first) | (group == second)]
        codes, speakers = pd.factorize(self.table["speaker"].loc[rows.index], sort=True)
        in_first = (self.table.groupby("speaker")[column].first()[speakers] == first).to_numpy()
        if self.labels:
            shared = set(rows.truth[in_first[codes]]) & set(rows.truth[~in_first[codes]])
            if not shared:
                return None
            kept = rows.truth.isin(shared).to_numpy()
            rows, codes, labels = rows[kept], codes[kept], label_order(shared)

        def score(weights):
            if not self.labels:
                return bootstrap.cccs(rows.truth, rows.predicted, codes, weights)
            return np.nanmean(bootstrap.recalls(rows.truth, rows.predicted, labels, codes, weights), axis=1)

        difference, low, high, p_value = bootstrap.gap(score, in_first)
        scores = [float(score(side[None] * 1.0)[0]) for side in (in_first, ~in_first)]
        return {
            **{"first": first, "second": second, "first_score": scores[0], "second_score": scores[1]},
            **{"difference": difference, "low": low, "high": high, "p_value": p_value},
        }

    @cached_property
    def largest_gap(self):
        """The largest difference between genders, a row of ``gaps("gender")`` as a dict; None if they are not known."""
        try:
            row = self.gaps("gender").iloc[0].to_dict()
        except EvaluationError:
            return None
        return None if np.isnan(row["difference"]) else row

    def summary(self):
        """What was evaluated and how well; what the audit says; the gap between genders, where they are known."""
        return self._sentence() + (f" Gap by gender: {gap_words(self.largest_gap)}." if self.largest_gap else "")

    def _sentence(self):
        spread = f" (folds {self.folds[self.metric].mean():.2f} ± {self.folds[self.metric].std():.2f})"
        return (
            f"{self.caption}: {self.metric.upper()} {self.score:.2f}, {self._interval_words()}, "
            f"chance {self.chance_level:.3g}{spread if len(self.folds) > 1 else ''}. {self.verdict}"
        )

    def __repr__(self):
        return f"<Result {self._sentence()}>"

    def _repr_html_(self):
        return html(
            {
                "corpus": self.corpus,
                "model": f"{self.name} on {self.features}",
                "target": self.target,
                "protocol": self.protocol_words,
                self.metric.upper(): f"{self.score:.2f}, {self._interval_words()}",
                "chance": f"{self.chance_level:.3g}",
                "audit": self.verdict,
            }
        )

    def _score(self, metric):
        if (metric == "ccc") == bool(self.labels):
            kind, ask = ("labels", "uar") if self.labels else ("numbers", "ccc")
            raise EvaluationError(f"This result predicts {kind}, so it has no {metric}: ask for .{ask}.")
        return getattr(metrics, metric)(self.predictions["truth"], self.predictions["predicted"])

    def _need_column(self, name):
        if name not in self.table:
            raise EvaluationError(f"The utterance table has no {name!r}; it has {', '.join(self.table.columns)}.")

    def _need_labels(self, what):
        if not self.labels:
            raise EvaluationError(
                f"This result predicts numbers, so it has no labels for {what}: ask for .ccc or .by()."
            )

    @cached_property
    def _draw(self):
        return bootstrap.draw(self.table["speaker"].loc[self.predictions.index])

    @cached_property
    def _recall_draws(self):
        return bootstrap.recalls(self.predictions["truth"], self.predictions["predicted"], self.labels, *self._draw)

    def _between(self, draws):
        if len(set(self.table["speaker"])) < 2:
            return np.full((2, *draws.shape[1:]), np.nan)
        return bootstrap.interval(draws)

    def _interval_words(self):
        if np.isnan(self.interval[0]):
            return "no interval from one speaker"
        people = self.table["speaker"].nunique()
        few = f", rough: {people} speakers only" if people < FEW_SPEAKERS else ""
        return "95 % interval {:.2f} to {:.2f}".format(*self.interval) + few


def gap_words(gap):
    """A row of ``Result.gaps`` in words: both scores, their difference, its interval and p-value. ``ser train``.

    >>> scores = {"first": "a", "second": "b", "first_score": 1, "second_score": 0.5}
    >>> gap_words(scores | {"difference": 0.5, "low": 0.4, "high": 0.6, "p_value": 0.01})
    'a 1.00, b 0.50, difference +0.50 (95 % interval +0.40 to +0.60, p = 0.010)'
    """
    scores = ", ".join(f"{gap[side]} {gap[f'{side}_score']:.2f}" for side in ("first", "second"))
    ends = "no interval" if np.isnan(gap["low"]) else f"95 % interval {gap['low']:+.2f} to {gap['high']:+.2f}"
    return f"{scores}, difference {gap['difference']:+.2f} ({ends}, p = {gap['p_value']:.3f})"


def html(table, **kw):
    """A DataFrame, or a dict as one line per key, as HTML for a notebook with no cell cut short. Lesson 04.

    >>> "chance</th>" in html({"chance": 0.125})
    True
    """
    if isinstance(table, dict):
        table, kw = pd.Series(table).to_frame(), {"header": False} | kw
    with pd.option_context("display.max_colwidth", None):
        return table.to_html(**kw)
