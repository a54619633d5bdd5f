"""Read recordings, resample, trim, normalise, augment, reduce noise, and find speech.

The rest of the package works on one form of sound: a mono float32 array and its sample rate in Hz.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "augmentation": ["Augmentation", "Chain", "Level", "Noise", "Pitch", "Reverb", "Shift", "Speed", "Telephone"],
        "capture": ["microphone_blocks"],
        "decoding": ["GuardedDecoder", "Limits", "guarded_blocks"],
        "denoise": ["NoiseReducer", "reduce_noise"],
        "headers": ["check_file", "check_rate"],
        "io": ["blocks", "duration", "load"],
        "signal": ["check", "normalise", "pad", "resample", "trim"],
        "vad": ["VoiceActivityDetector", "find_speech"],
    },
)
