"""Numbers to emotions: every model here is a scikit-learn estimator, so one protocol can judge them all.

Classical models need no code of ours: a lesson writes ``make_pipeline(StandardScaler(), SVC())``. This room holds what
scikit-learn lacks: Keras networks as classifiers, Gaussian mixtures as one, and a scaler and folds that know speakers.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "attention",
        "augmented",
        "encoded",
        "fits",
        "frames",
        "loaded",
        "masks",
        "mixture",
        "neural",
        "recall",
        "saving",
        "speaker_folds",
        "speaker_norm",
        "trusted",
        "watching",
    ],
    submod_attrs={
        "attention": ["AttentionPooling"],
        "augmented": ["Augmented"],
        "encoded": ["LabelEncoded"],
        "frames": ["FixedFrames", "FrameScaler"],
        "loaded": ["LoadedModel"],
        "masks": ["SpecAugment"],
        "mixture": ["GaussianMixtureClassifier"],
        "neural": ["KerasClassifier"],
        "recall": ["UAR"],
        "saving": ["load", "save"],
        "speaker_folds": ["SpeakerFolds"],
        "speaker_norm": ["SpeakerNormaliser"],
    },
)
