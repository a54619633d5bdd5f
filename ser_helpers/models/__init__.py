"""Models trained here, all of them scikit-learn estimators; and how they are saved, exported and made smaller.

Classical models need no code of ours: a lesson writes ``make_pipeline(StandardScaler(), SVC())``. This package adds
what scikit-learn lacks: Keras networks, Gaussian mixtures as a classifier, fusion, and scalers and folds that know
speakers.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "augmented": ["Augmented"],
        "batches": ["InBatches"],
        "classical": ["GaussianMixtureClassifier", "LabelEncoded"],
        "compression": ["compare_sizes", "prune", "quantise", "to_float16"],
        "export": ["OnnxModel", "to_onnx", "to_torchscript"],
        "fusion": ["LateFusion", "Modality", "PerModality", "by_modality", "drop_modality", "gaps", "missing"],
        "keras_estimators": ["KerasClassifier", "KerasRegressor"],
        "keras_layers": ["AttentionPooling", "CCC", "CrossModalAttention", "SpecAugment", "UAR", "ccc_loss"],
        "model_card": ["ModelCard"],
        "ready_models": ["window_dimensions", "window_model"],
        "saving": ["LoadedModel", "load", "read_card", "save"],
        "sequence_transformers": ["FixedFrames", "FrameScaler", "Vocabulary", "split_words"],
        "speakers": ["RunningNormaliser", "SpeakerFolds", "SpeakerNormaliser", "Voice", "VoiceNormaliser"],
        "windows": ["WindowClassifier", "WindowRegressor"],
    },
)
