"""Networks that others trained: found on this machine, run, fine-tuned; small stand-ins where they are missing."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "audeering": ["DimensionalModel", "rescale"],
        "encoder": ["Encoder"],
        "finetuning": ["EncoderClassifier", "EncoderRegressor", "load_tuned", "save_tuned"],
        "heads": ["TranscriptCTC"],
        "hub": ["download_encoder", "find"],
        "imports": ["ensure_torchaudio"],
        "laughter": ["LaughterDetector", "laughs_per_10_minutes", "laughter_summary"],
        "sentences": ["SentenceEncoder", "download_sentence_encoder"],
        "speaker": ["SpeakerEncoder"],
        "speechbrain_model": [
            "SpeechBrainClassifier",
            "download_speechbrain",
            "find_speechbrain",
            "load_speechbrain",
            "make_speechbrain_stand_in",
        ],
        "speechbrain_recipe": ["SpeechBrainRecipe"],
    },
)
