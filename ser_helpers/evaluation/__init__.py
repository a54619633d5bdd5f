"""How good a model is, on which speakers, how certain that is, and what the model looked at. Draws nothing.

`cross_validate` keeps every out-of-fold prediction in a `Result`; `compare` asks whether a difference could be chance.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "agreement": ["rater_ceiling"],
        "comparison": ["Comparison", "compare"],
        "cross_validation": ["cross_validate", "leave_one_corpus_out", "repeat", "transfer"],
        "metrics": [
            "accuracy",
            "ccc",
            "confusion",
            "mae",
            "mse",
            "per_class_recall",
            "uar",
            "weighted_f1",
            "word_error_rate",
        ],
        "result": ["Result"],
        "robustness": ["without_modality"],
        "segments": ["DiarisationError", "diarisation_error", "event_scores", "merge_events"],
    },
)
