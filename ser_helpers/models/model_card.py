"""What a model file says of its model: trained on whose voices, judged how, how well, and under which licence.

After Mitchell et al. (2019), "Model Cards for Model Reporting", doi:10.1145/3287560.3287596.
"""

import dataclasses
import datetime

from ser_helpers import corpora
from ser_helpers.errors import CorpusError, ModelError

CLAIM = 1 / 3
"""A score carries a claim if its interval begins at least this far from chance (0) to perfect (1)."""


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """The card of a trained model; `models.save` writes it into the file, reports and pages name the model from it.

    Attributes
    ----------
    estimator, features, target : str
        Such as "LogisticRegression", "quick" and "emotion"; several targets as "valence, arousal, dominance".
    labels : tuple of str
        The classes; empty for a regression.
    corpora, speakers : tuple of str
        The names of everyone it was trained on: `ser evaluate` refuses to test it on them.
    examples : int
        Number of utterances or windows it was trained on.
    seconds : float or None
        Length of its windows; None for a model of whole utterances.
    protocol, metric : str
        How it was judged before it was trained on everything: such as "5 folds, no speaker in both" and "uar".
    score, low, high, chance : float
        The score on unseen speakers, its 95 % interval over speakers, and the score of guessing; of several targets,
        those of the worst.
    gaps : tuple of dict
        Differences between groups of speakers, as the rows of ``Result.gaps``.
    licences : dict
        The licence of each corpus.
    synthetic : bool
        Whether some of the speech was made by this package rather than by people.
    date : str
        The day it was trained, as YYYY-MM-DD.
    scores : tuple of dict
        Of several targets, ``target``, ``score``, ``low`` and ``high`` of each; else empty.
    notes : tuple of str
        Sentences on what else to know: whose voices, when it abstains, what it must not be used for.

    Notes
    -----
    Made by `ModelCard.of`. Used by ``ser train``, Lesson 05.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ser_helpers import evaluation
    >>> table = corpora.load("synthetic-small")
    >>> X = table[["valence", "arousal"]]
    >>> result = evaluation.cross_validate(LogisticRegression(), X, table, n_splits=4, features="V-A", progress=False)
    >>> card = ModelCard.of(result, date="2026-11-21")
    >>> card.title
    'LogisticRegression on V-A, trained on synthetic (synthetic speech)'
    """

    estimator: str
    features: str
    target: str
    labels: tuple
    corpora: tuple
    speakers: tuple
    examples: int
    seconds: float | None
    protocol: str
    metric: str
    score: float
    low: float
    high: float
    chance: float
    gaps: tuple
    licences: dict
    synthetic: bool
    date: str
    scores: tuple = ()
    notes: tuple = ()

    @classmethod
    def of(cls, result, seconds=None, gaps=(), date=None):
        """The card of a model that is trained on everything that `result` (of ``cross_validate``) was judged on.

        For a model of several numbers, `result` is a list, with one for each.
        """
        results = result if isinstance(result, list) else [result]
        scores = [
            {"target": one.target, "score": round(float(one.score), 4)}
            | {end: round(value, 4) for end, value in zip(("low", "high"), one.interval, strict=True)}
            for one in results
        ]
        result = min(results, key=lambda one: one.score)
        low, high = result.interval
        names = sorted(result.table["corpus"].unique())
        return cls(
            estimator=result.name,
            features=result.features,
            target=", ".join(one.target for one in results),
            labels=tuple(result.labels),
            corpora=tuple(names),
            speakers=tuple(sorted(result.table["speaker"].unique())),
            examples=len(result.table),
            seconds=seconds,
            protocol=result.protocol_words,
            metric=result.metric,
            score=round(float(result.score), 4),
            low=round(low, 4),
            high=round(high, 4),
            chance=round(result.chance_level, 4),
            gaps=tuple(gaps),
            licences={name: _licence(name) for name in names},
            synthetic=result.synthetic,
            date=date or datetime.date.today().isoformat(),
            scores=tuple(scores) if len(scores) > 1 else (),
        )

    @classmethod
    def from_dict(cls, values):
        """The card in a dict, as `to_dict` gives it; ModelError if it is none."""
        try:
            lists = {name: tuple(values[name]) for name in ("labels", "corpora", "speakers", "gaps")}
            lists |= {"scores": tuple(values.get("scores", ())), "notes": tuple(values.get("notes", ()))}
            card = cls(**{**values, **lists})
            for field in dataclasses.fields(cls):
                kind = field.type | int if isinstance(0.0, field.type) else field.type  # JSON may write 1.0 as 1
                if not isinstance(getattr(card, field.name), kind):
                    raise TypeError(f"{field.name} is no {kind}")
            if not all(isinstance(text, str) for text in card.labels + card.corpora + card.speakers + card.notes):
                raise TypeError("an entry of a list is no text")
            if not all(isinstance(row, dict) for row in card.gaps + card.scores):
                raise TypeError("an entry of a list is no table")
            return card
        except (TypeError, KeyError) as error:
            raise ModelError("The model's card is damaged: train and save the model again.") from error

    def to_dict(self):
        """The card as JSON takes it."""
        return dataclasses.asdict(self)

    def __str__(self):
        return f"{self.title}, {self.verdict}"

    @property
    def title(self):
        """The model in one line, for the header of a page or report."""
        made = all(name.startswith("synthetic") for name in self.corpora)
        whose = "synthetic speech" if made else f"{len(self.speakers)} speakers"
        return f"{self.estimator} on {self.features}, trained on {' + '.join(self.corpora)} ({whose})"

    @property
    def verdict(self):
        """How well it did on unseen speakers, in one line."""
        unit = "utterances" if self.seconds is None else f"windows of {self.seconds:g} s"
        where = f"on {unit} of unseen speakers"
        if self.scores:
            each = [
                f"{one['target']} {one['score']:.2f} ({one['low']:.2f} to {one['high']:.2f})" for one in self.scores
            ]
            return f"{self.metric.upper()} {where}, with 95 % intervals: {', '.join(each)} ({self.protocol})"
        return (
            f"{self.metric.upper()} {self.score:.2f} {where} (95 % interval {self.low:.2f} to {self.high:.2f}, chance"
            f" {self.chance:.3g}; {self.protocol})"
        )

    @property
    def targets(self):
        """The columns it predicts."""
        return tuple(self.target.split(", "))


def doubt(card):
    """Why a card, as a dict or None, carries no statement about the speakers; None if it carries one.

    Used by the reports of ``ser podcast`` and ``ser calls``.

    >>> doubt(None)
    "the model's score on real voices is unknown"
    """
    if card is None:
        return "the model's score on real voices is unknown"
    card = ModelCard.from_dict(card)
    if all(name.startswith("synthetic") for name in card.corpora):
        return "the model was only tested on synthetic speech"
    if not card.low - card.chance >= CLAIM * (1 - card.chance):
        return f"the model's score of {card.score:.2f} is too close to chance, {card.chance:.2f}"
    return None


def _licence(corpus):
    try:
        return corpora.card(corpus).licence
    except CorpusError:  # a table of the user's own
        return "unknown"
