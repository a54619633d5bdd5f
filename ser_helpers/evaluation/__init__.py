"""The evaluation room: how good a model is, for whom, and how sure we are.

Protocols decide who is heard in training and who is not, metrics count, results keep every out-of-fold prediction,
comparisons ask whether a difference could be chance, and plots say it in one sentence.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "agreement": ["rater_ceiling"],
        "comparison": ["Comparison", "compare"],
        "cross_validation": ["cross_validate", "repeat"],
        "metrics": ["accuracy", "ccc", "confusion", "mae", "mse", "per_class_recall", "uar", "weighted_f1"],
        "result": ["Result"],
        "robustness": ["without_modality"],
        "segments": ["DiarisationError", "diarisation_error", "event_scores", "merge_events"],
    },
)
