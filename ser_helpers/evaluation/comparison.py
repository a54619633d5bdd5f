"""Is one model better than another? An interval over speakers (bootstrap) and a test over utterances (McNemar)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from ser_helpers.corpora.labels import label_order
from ser_helpers.corpora.splits import PROTOCOL_NAMES
from ser_helpers.errors import EvaluationError
from ser_helpers.evaluation import bootstrap, metrics
from ser_helpers.evaluation.result import html

FEW = 30


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two results on the utterances they share; the outcome of :func:`compare`. Lesson 04.

    Attributes
    ----------
    a, b : str
        What tells the two results apart.
    metric : str
        ``"uar"``, or ``"ccc"`` for regressions.
    score_a, score_b, difference : float
        The metric on the shared utterances, and a's minus b's.
    interval : (float, float)
        95 % interval of the difference over speakers; NaN when there is only one.
    p_value : float
        McNemar's mid-p test on right and wrong answers; NaN for regressions. It treats utterances as independent, which
        those of one speaker are not: the interval is more reliable.
    only_a, only_b : int
        Utterances that only a, or only b, has right.
    utterances, speakers : int
        How many are shared.
    of_a, of_b : int
        How many utterances each result has by itself.
    """

    a: str
    b: str
    metric: str
    score_a: float
    score_b: float
    difference: float
    interval: tuple
    p_value: float
    only_a: int
    only_b: int
    utterances: int
    speakers: int
    of_a: int
    of_b: int

    @property
    def verdict(self):
        """One sentence that says which is better, by how much, how surely, and on what."""
        low, high = self.interval
        better, worse = self.a, self.b
        if self.difference < 0:
            better, worse, low, high = worse, better, -high, -low
        points = f"{abs(self.difference):.2f} {self.metric.upper()}"
        where = f"on {self.utterances} utterances"
        if {self.of_a, self.of_b} != {self.utterances}:
            where = f"on the {self.utterances} utterances they share (of {self.of_a} and {self.of_b})"
        ends = f"95 % interval {low:+.2f} to {high:+.2f}"
        if np.isnan(low):
            return f"{better}: {points} above {worse} {where}, but with one speaker there is no interval."
        if self.utterances < FEW:
            return f"{better}: {points} above {worse} {where}, but these are too few to decide ({ends})."
        if low <= 0 <= high:
            return f"No clear difference between {better} and {worse} {where}: {points} ({ends})."
        return f"{better}: {points} above {worse} {where} ({ends})."

    def __repr__(self):
        return f"<Comparison {self.verdict}>"

    def _repr_html_(self):
        p = {} if np.isnan(self.p_value) else {"McNemar mid-p": f"{self.p_value:.2g}"}
        rows = {
            self.a: f"{self.metric.upper()} {self.score_a:.2f}",
            self.b: f"{self.metric.upper()} {self.score_b:.2f}",
            **p,
            "verdict": self.verdict,
        }
        return html(rows)


def compare(a, b):
    """Compare two results of :func:`cross_validate`, paired on the utterances that both have predicted. Lesson 04.

    Speakers are drawn with replacement 1000 times, the same ones for both results, for the interval of the difference;
    McNemar's test (mid-p version: Fagerland, Lydersen and Laake 2013, https://doi.org/10.1186/1471-2288-13-91) asks
    whether one is right where the other is wrong more often than a coin would be. Where a repeated random split tested
    an utterance several times, its first prediction counts.

    Raises EvaluationError when the results have different targets or labels, share no utterance, or disagree about the
    truth.

    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers import corpora, evaluation
    >>> table = corpora.load("synthetic-small")
    >>> models = DummyClassifier(), LogisticRegression()
    >>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
    >>> a, b = (evaluation.cross_validate(model, X, table, n_splits=4, progress=False) for model in models)
    >>> compare(a, b)
    <Comparison LogisticRegression: 0... UAR above DummyClassifier on 240 utterances (95 % interval +0... to +0...).>
    """
    if a.target != b.target:
        raise EvaluationError(f"One result predicts {a.target!r} and the other {b.target!r}: compare like with like.")
    if a.labels != b.labels:
        raise EvaluationError(
            f"One result chooses among {len(a.labels)} labels and the other among {len(b.labels)}, which are not the "
            "same: compare like with like."
        )
    left, right = (result.predictions[~result.predictions.index.duplicated()] for result in (a, b))
    shared = left.index.intersection(right.index)
    if len(shared) == 0:
        raise EvaluationError(f"The two results ({a.corpus}; {b.corpus}) share no utterance to compare them on.")
    truth, first, second = left.loc[shared, "truth"], left.loc[shared, "predicted"], right.loc[shared, "predicted"]
    if not truth.equals(right.loc[shared, "truth"]):
        raise EvaluationError("The two results disagree about the true labels: give both the same table.")

    speakers = a.table.loc[shared, "speaker"]
    metric = getattr(metrics, a.metric)
    score_a, score_b = metric(truth, first), metric(truth, second)
    right_a, right_b = first == truth, second == truth
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    name_a, name_b = distinct_names(a, b)
    return Comparison(
        a=name_a,
        b=name_b,
        metric=a.metric,
        score_a=score_a,
        score_b=score_b,
        difference=score_a - score_b,
        interval=_interval(truth, first, second, speakers, bool(a.labels)),
        p_value=mcnemar(only_a, only_b) if a.labels else float("nan"),
        only_a=only_a,
        only_b=only_b,
        utterances=len(shared),
        speakers=speakers.nunique(),
        of_a=len(left),
        of_b=len(right),
    )


def mcnemar(only_a, only_b):
    """Two-sided mid-p value that both are right equally often, from the utterances only one has right. Lesson 04."""
    n, fewer = only_a + only_b, min(only_a, only_b)
    return float(min(1.0, 2 * binom.cdf(fewer, n, 0.5) - binom.pmf(fewer, n, 0.5)))


def distinct_names(a, b):
    """Two short names that tell the results apart: what differs among model, features, labels, protocol, corpus."""
    sides = [
        (r.name, r.features, f"{len(r.labels)} labels", PROTOCOL_NAMES.get(r.protocol, r.protocol), r.corpus)
        for r in (a, b)
    ]
    parts = [(x, y) for x, y in zip(*sides, strict=True) if x != y]
    if not parts:
        return f"{a.name} (first)", f"{b.name} (second)"
    return tuple(", ".join(side) for side in zip(*parts, strict=True))


def _interval(truth, first, second, speakers, labelled):
    if speakers.nunique() < 2:
        return float("nan"), float("nan")
    codes, weights = bootstrap.draw(speakers)

    def scores(predicted):
        if not labelled:
            return bootstrap.cccs(truth, predicted, codes, weights)
        return np.nanmean(bootstrap.recalls(truth, predicted, label_order(truth), codes, weights), axis=1)

    low, high = bootstrap.interval(scores(first) - scores(second))
    return float(low), float(high)
