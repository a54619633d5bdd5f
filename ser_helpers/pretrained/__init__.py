"""Networks that others trained: found on this machine, run and fine-tuned; tiny stand-ins replace missing ones."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "audeering": ["DimensionalModel"],
        "encoder": ["Encoder"],
        "finetuning": ["EncoderClassifier", "EncoderRegressor"],
        "heads": ["TranscriptCTC"],
        "hub": ["download_encoder", "find_encoder"],
        "imports": ["ensure_torchaudio"],
        "laughter": ["LaughterDetector"],
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
        "transcription": ["Recogniser", "find_recogniser", "transcribe", "transcribe_utterances"],
    },
)
