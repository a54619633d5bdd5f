"""The course's figures of results and of data: one message each, said by the title, with corpus and protocol below it.

Every function returns a matplotlib figure of 10 × 5 inches in the style of ``evaluation.style``, with its alt text as
the figure's label. Each takes a ``title``; without one, the title is a sentence about what the figure shows.

>>> from sklearn.linear_model import LogisticRegression
>>> from ser_helpers import corpora, evaluation
>>> table = corpora.load("synthetic-small")
>>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
>>> result = evaluation.cross_validate(LogisticRegression(), X, table, n_splits=4, progress=False)
>>> figures = confusion(result), per_class_recall(result), speakers(result), counts(table)
>>> figures += feature_by_emotion(X, table, "arousal", relative_to_neutral=True), against(result, result)
>>> history = {"loss": [2.0, 1.0, 0.5], "val_loss": [2.0, 1.5, 1.6]}
>>> figures += (learning_curves(history, "synthetic", "one actor held out"),)
>>> figures[-1].get_label()
'Curves of loss over 3 epochs. Training ends at loss 0.50, validation at 1.60.'
"""

from ser_helpers.evaluation.explain_figures import attention_over_waveform, beeswarm, maps
from ser_helpers.evaluation.plots_data import counts, feature_by_emotion, learning_curves
from ser_helpers.evaluation.plots_dimensions import ceiling, plane, predicted, trajectory
from ser_helpers.evaluation.plots_results import against, confusion, confusion_pair, per_class_recall, speakers
from ser_helpers.evaluation.plots_seeds import over_seeds

__all__ = [
    "against",
    "attention_over_waveform",
    "beeswarm",
    "ceiling",
    "confusion",
    "confusion_pair",
    "counts",
    "feature_by_emotion",
    "learning_curves",
    "maps",
    "over_seeds",
    "per_class_recall",
    "plane",
    "predicted",
    "speakers",
    "trajectory",
]
