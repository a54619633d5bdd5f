"""The course's figures of results and of data: one message each, said by the title, with corpus and protocol below it.

Every function returns a matplotlib figure of 10 × 5 inches in the style of ``evaluation.style``, with its alt text as
the figure's label. Each takes a ``title``; without one, the title is a sentence about what the figure shows.
"""

from ser_helpers.evaluation.plots_data import counts, feature_by_emotion, learning_curves
from ser_helpers.evaluation.plots_results import against, confusion, confusion_pair, per_class_recall, speakers

__all__ = [
    "against",
    "confusion",
    "confusion_pair",
    "counts",
    "feature_by_emotion",
    "learning_curves",
    "per_class_recall",
    "speakers",
]
