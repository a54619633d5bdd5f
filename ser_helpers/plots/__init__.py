"""Every figure of results, data and sound, in one style: one message each, said by the title.

Each function returns a matplotlib figure of 10 × 5 inches with its alt text as the figure's label. Each takes a
``title``; without one, the title is a sentence about what the figure shows.

>>> from sklearn.linear_model import LogisticRegression
>>> from ser_helpers import corpora, evaluation, plots
>>> table = corpora.load("synthetic-small")
>>> X = table[["valence", "arousal"]]  # in earnest: features.extract(table, "egemaps")
>>> result = evaluation.cross_validate(LogisticRegression(), X, table, n_splits=4, progress=False)
>>> figures = plots.confusion(result), plots.per_class_recall(result), plots.speakers(result), plots.counts(table)
>>> figures += plots.feature_by_emotion(X, table, "arousal", relative_to_neutral=True), plots.against(result, result)
>>> history = {"loss": [2.0, 1.0, 0.5], "val_loss": [2.0, 1.5, 1.6]}
>>> figures += (plots.learning_curves(history, "synthetic", "one actor held out"),)
>>> figures[-1].get_label()
'Curves of loss over 3 epochs. Training ends at loss 0.50, validation at 1.60.'
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "data": ["counts", "feature_by_emotion", "learning_curves"],
        "dimensions": ["ceiling", "plane", "predicted", "trajectory"],
        "explanations": ["attention_over_waveform", "beeswarm", "maps"],
        "results": ["against", "confusion", "confusion_pair", "over_seeds", "per_class_recall", "speakers"],
    },
)
