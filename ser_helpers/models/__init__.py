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
        "concordance",
        "encoded",
        "examples",
        "fits",
        "frames",
        "loaded",
        "masks",
        "mixture",
        "modalities",
        "neural",
        "quiet",
        "recall",
        "regression",
        "saving",
        "speaker_folds",
        "speaker_norm",
        "speechbrain_folder",
        "speechbrain_models",
        "torchaudio_shim",
        "trusted",
        "watching",
    ],
    submod_attrs={
        "attention": ["AttentionPooling"],
        "augmented": ["Augmented"],
        "concordance": ["CCC", "ccc_loss"],
        "encoded": ["LabelEncoded"],
        "frames": ["FixedFrames", "FrameScaler"],
        "loaded": ["LoadedModel"],
        "masks": ["SpecAugment"],
        "mixture": ["GaussianMixtureClassifier"],
        "modalities": ["Modality", "by_modality", "drop_modality", "gaps", "missing"],
        "neural": ["KerasClassifier"],
        "recall": ["UAR"],
        "regression": ["KerasRegressor"],
        "saving": ["load", "save"],
        "speaker_folds": ["SpeakerFolds"],
        "speaker_norm": ["SpeakerNormaliser"],
        "speechbrain_folder": ["make_speechbrain_stand_in"],
        "speechbrain_models": ["SpeechBrainClassifier", "load_speechbrain"],
        "torchaudio_shim": ["ensure_torchaudio"],
    },
)
