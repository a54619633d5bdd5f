"""The live detector: chunks of any size in, a prediction every second out, the same as offline.

A ring buffer keeps the last seconds, voice activity detection finds the speech, a model predicts the emotion of windows
of 3 s, and smoothing decides which emotion is shown.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "batching": ["Batcher"],
        "detector": ["Detector"],
        "offline": ["detect"],
        "predictions": ["UNCERTAIN", "Stopwatch", "WindowModel", "WindowPrediction"],
        "ring": ["RingBuffer"],
        "timeline": ["emotion_shares", "rolling_mean", "to_timeline"],
    },
)
