"""The live detector: chunks of any size in, an emotion every second out, the same as offline.

A ring buffer holds the last seconds, a gate waits for speech, windows of 3 s go to a model, and smoothing decides what
is shown.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "batching": ["Batcher"],
        "detector": ["Detector"],
        "estimates": ["Stopwatch", "WindowPrediction"],
        "offline": ["detect"],
        "ring": ["RingBuffer"],
        "smoothing": ["Smoother"],
        "timeline": ["emotion_shares", "rolling_mean", "to_timeline"],
    },
)
