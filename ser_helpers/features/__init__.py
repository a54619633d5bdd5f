"""Samples to numbers: the 193-d vector, prosody, voice quality, openSMILE, spectrograms.

Each kind of feature is a function of samples and their rate; `extract` applies one to a whole utterance table.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "embedding",
        "extraction",
        "fast",
        "librosa193",
        "patches",
        "pretrained",
        "prosodic",
        "registry",
        "sequences",
        "smile",
        "store",
        "text",
        "voice",
        "weights",
    ],
    submod_attrs={
        "embedding": ["Embedder"],
        "extraction": ["extract"],
        "fast": ["quick"],
        "librosa193": ["vector193", "vector193_plain"],
        "patches": ["patchdct"],
        "pretrained": ["vggish", "yamnet"],
        "prosodic": ["prosody"],
        "registry": ["available", "kinds", "names"],
        "sequences": ["logmel", "mfcc"],
        "smile": ["compare2016", "egemaps"],
        "text": ["lexicon"],
        "voice": ["voice_quality"],
        "weights": ["download_weights"],
    },
)
