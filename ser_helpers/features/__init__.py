"""Samples to numbers: the 193-d vector, prosody, voice quality, openSMILE, spectrograms.

Each kind of feature is a function of samples and their rate; `extract` applies one to a whole utterance table.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["cqt", "extraction", "prosodic", "recipe193", "registry", "sequences", "smile", "store", "voice"],
    submod_attrs={
        "extraction": ["extract"],
        "prosodic": ["prosody"],
        "recipe193": ["vector193", "vector193_plain"],
        "registry": ["kinds", "names"],
        "sequences": ["logmel", "mfcc"],
        "smile": ["compare2016", "egemaps"],
        "voice": ["voice_quality"],
    },
)
