"""openSMILE functionals: the two feature sets that most papers compare with."""

import contextlib
import ctypes
import functools
import importlib.util
import os
import platform
import signal
import threading
from pathlib import Path

from ser_helpers import audio

SAMPLE_RATE = 16000
SHORTEST = 960  # samples: openSMILE's longest frame (60 ms); shorter clips are padded with zeros


def egemaps(y, sr):
    """The extended Geneva minimalistic acoustic parameter set (eGeMAPSv02): (88,) float32 (Lesson 02).

    `y` are mono samples, (n,), at `sr` Hz, of at least 25 ms (padded with zeros to 60 ms), resampled to 16 kHz, which
    is faster than 48 kHz and gives better scores; raises AudioError if they are not mono, too short or not finite. The
    numbers are in the order of ``names("egemaps")`` and finite for every recording, silence included.

    Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective computing",
    IEEE Transactions on Affective Computing 7(2), 2016, doi:10.1109/TAFFC.2015.2457417.

    >>> import numpy as np
    >>> egemaps(np.sin(np.arange(16000)), 16000).shape
    (88,)
    """
    return _functionals("eGeMAPSv02", y, sr)


def compare2016(y, sr):
    """The feature set of the Computational Paralinguistics Challenge (ComParE 2016): (6373,) float32 (Lesson 02).

    In the order of ``names("compare")``; the rest is as in `egemaps`.

    Schuller et al., "The INTERSPEECH 2016 computational paralinguistics challenge: Deception, sincerity & native
    language", Interspeech 2016, doi:10.21437/Interspeech.2016-129.

    >>> import numpy as np
    >>> compare2016(np.sin(np.arange(16000)), 16000).shape
    (6373,)
    """
    return _functionals("ComParE_2016", y, sr)


def _functionals(feature_set, y, sr):
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    with _interrupted_afterwards():
        return _smile(feature_set)(audio.pad(y, SHORTEST), SAMPLE_RATE).ravel()


@contextlib.contextmanager
def _interrupted_afterwards():
    """Let Ctrl-C wait: Python drops an exception raised in openSMILE's callbacks, and the numbers with it."""
    if threading.current_thread() is not threading.main_thread():  # signals do not arrive in others
        yield
        return
    arrived = []
    before = signal.signal(signal.SIGINT, lambda *_: arrived.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if arrived:
            signal.raise_signal(signal.SIGINT)


@functools.cache
def _smile(feature_set):
    """One openSMILE object per process and feature set: making one takes longer than using it."""
    _load_library()
    import opensmile

    return opensmile.Smile(
        feature_set=opensmile.FeatureSet[feature_set],
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
    )


@functools.cache
def _load_library():
    """On Linux, bind openSMILE to its own symbols: it would resolve them in TensorFlow, if loaded, and crash."""
    package = importlib.util.find_spec("opensmile")
    if package and hasattr(os, "RTLD_DEEPBIND"):
        for library in Path(package.origin).parent.glob(f"core/bin/*_{platform.machine()}/libSMILEapi.so"):
            ctypes.CDLL(str(library), os.RTLD_NOW | os.RTLD_DEEPBIND)


NAMES = {
    "egemaps": tuple(_smile("eGeMAPSv02").feature_names),
    "compare": tuple(_smile("ComParE_2016").feature_names),
}
