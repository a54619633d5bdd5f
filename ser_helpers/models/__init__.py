"""Numbers to emotions: every model here is a scikit-learn estimator, so one protocol can judge them all.

Classical models need no code of ours: a lesson writes ``make_pipeline(StandardScaler(), SVC())``. This room holds what
scikit-learn lacks: Keras networks as classifiers, Gaussian mixtures as one, and a scaler and folds that know speakers.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "augmented": ["Augmented", "SelfTraining"],
        "classical": ["GaussianMixtureClassifier", "LabelEncoded"],
        "compression": ["compare_sizes", "prune", "quantise", "to_float16"],
        "export": ["OnnxModel", "to_onnx", "to_torchscript"],
        "fusion": ["LateFusion", "Modality", "PerModality", "by_modality", "drop_modality", "gaps", "missing"],
        "keras_estimators": ["KerasClassifier", "KerasRegressor"],
        "keras_layers": ["AttentionPooling", "CCC", "CrossModalAttention", "SpecAugment", "UAR", "ccc_loss"],
        "saving": ["LoadedModel", "load", "save"],
        "sequence_transformers": ["FixedFrames", "FrameScaler", "Vocabulary", "split_words"],
        "speakers": ["SpeakerFolds", "SpeakerNormaliser", "VoiceNormaliser"],
        "windows": ["WindowClassifier", "window_model"],
    },
)
