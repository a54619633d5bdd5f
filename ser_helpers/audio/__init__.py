"""Samples in, samples out: read a recording, resample, trim, pad, normalise, less noise, another room.

Everything after this room works on one form of sound: a mono float32 array and its sample rate in Hz.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "augmentation": ["Augmentation", "Chain", "Noise", "Pitch", "Reverb", "Shift", "Speed"],
        "denoise": ["NoiseReducer", "reduce_noise"],
        "io": ["blocks", "duration", "load"],
        "signal": ["check", "normalise", "pad", "resample", "trim"],
        "vad": ["SpeechGate", "find_speech"],
    },
)
