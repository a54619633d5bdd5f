"""Samples to numbers: the 193-d vector, prosody, voice quality, openSMILE, spectrograms, embeddings.

Each kind of feature is a function of samples and their rate; `extract` computes one for a whole utterance table.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "audioset": ["patchdct", "vggish"],
        "extraction": ["Embedder", "extract"],
        "functionals": ["compare2016", "egemaps"],
        "praat": ["prosody", "voice_quality"],
        "quick95": ["quick"],
        "librosa193": ["vector193", "vector193_plain"],
        "registry": ["available", "kinds", "names"],
        "sequences": ["logmel", "mfcc"],
        "text": ["lexicon"],
        "windowing": ["cut_windows"],
    },
)
