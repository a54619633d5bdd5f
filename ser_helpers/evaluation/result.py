"""The result of a cross-validation: every out-of-fold prediction, and scores and intervals from them."""

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
        return PROTOCOL_WORDS.get(self.protocol, self.protocol + ", {n} folds").format(n=len(self.folds))

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
        regression ``ccc``, ``mae`` and ``n``. Utterances without a value are left out.
        """
        if column not in self.table:
            raise EvaluationError(f"The utterance table has no {column!r}; it has {', '.join(self.table.columns)}.")
        groups = self.predictions.groupby(self.table[column].loc[self.predictions.index].to_numpy())
        if groups.ngroups == 0:
            raise EvaluationError(f"No utterance of {self.corpus} has a {column}.")
        names = ("uar", "accuracy") if self.labels else ("ccc", "mae")
        rows = {
            value: {name: getattr(metrics, name)(rows["truth"], rows["predicted"]) for name in names} | {"n": len(rows)}
            for value, rows in groups
        }
        order = label_order(rows) if column == self.target else list(rows)
        return pd.DataFrame.from_dict(rows, orient="index").loc[order].rename_axis(column)

    def summary(self):
        """Two sentences: what was evaluated and how well; what the audit says."""
        spread = f" (folds {self.folds[self.metric].mean():.2f} ± {self.folds[self.metric].std():.2f})"
        return (
            f"{self.caption}: {self.metric.upper()} {self.score:.2f}, {self._interval_words()}, "
            f"chance {self.chance_level:.3g}{spread if len(self.folds) > 1 else ''}. {self.verdict}"
        )

    def __repr__(self):
        return f"<Result {self.summary()}>"

    def _repr_html_(self):
        rows = {
            "corpus": self.corpus,
            "model": f"{self.name} on {self.features}",
            "target": self.target,
            "protocol": self.protocol_words,
            self.metric.upper(): f"{self.score:.2f}, {self._interval_words()}",
            "chance": f"{self.chance_level:.3g}",
            "audit": self.verdict,
        }
        return html(rows)

    def _score(self, metric):
        if (metric == "ccc") == bool(self.labels):
            kind, ask = ("labels", "uar") if self.labels else ("numbers", "ccc")
            raise EvaluationError(f"This result predicts {kind}, so it has no {metric}: ask for .{ask}.")
        return getattr(metrics, metric)(self.predictions["truth"], self.predictions["predicted"])

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
        return "95 % interval {:.2f} to {:.2f}".format(*self.interval)


def html(table, **kw):
    """A DataFrame, or a dict as one line per key, as HTML for a notebook with no cell cut short. Lesson 04.

    >>> "chance</th>" in html({"chance": 0.125})
    True
    """
    if isinstance(table, dict):
        table, kw = pd.Series(table).to_frame(), {"header": False} | kw
    with pd.option_context("display.max_colwidth", None):
        return table.to_html(**kw)
