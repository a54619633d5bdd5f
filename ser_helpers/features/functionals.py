"""openSMILE functionals: the two feature sets most SER papers compare against."""

import ctypes
import functools
import importlib.util
import os
import platform
from pathlib import Path

from ser_helpers import audio

SAMPLE_RATE = 16000
SHORTEST = 960
"""openSMILE's longest frame at 16 kHz (60 ms); a shorter clip is padded with zeros to it."""


def egemaps(y, sr):
    """The extended Geneva minimalistic acoustic parameter set (eGeMAPSv02): 88 functionals chosen by voice scientists.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms; a clip under 60 ms is padded with zeros to 60 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz, which is faster than 48 kHz and serves emotion better.

    Returns
    -------
    array (88,), float32
        In the order of ``names("egemaps")``; finite for every recording, silence included.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    Eyben et al., "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice research and affective computing",
    IEEE Transactions on Affective Computing 7(2), 2016, doi:10.1109/TAFFC.2015.2457417.

    Examples
    --------
    Lesson 02.

    >>> import numpy as np
    >>> egemaps(np.sin(np.arange(16000)), 16000).shape
    (88,)
    """
    return _functionals("eGeMAPSv02", y, sr)


def compare2016(y, sr):
    """The feature set of the Computational Paralinguistics Challenge (ComParE 2016): 6373 functionals, by brute force.

    Parameters, errors and padding as in `egemaps`.

    Returns
    -------
    array (6373,), float32
        In the order of ``names("compare")``; finite for every recording, silence included.

    Notes
    -----
    Schuller et al., "The INTERSPEECH 2016 computational paralinguistics challenge: Deception, sincerity & native
    language", Interspeech 2016, doi:10.21437/Interspeech.2016-129.

    Examples
    --------
    Lesson 02.

    >>> import numpy as np
    >>> compare2016(np.sin(np.arange(16000)), 16000).shape
    (6373,)
    """
    return _functionals("ComParE_2016", y, sr)


def _functionals(feature_set, y, sr):
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    return _smile(feature_set)(audio.pad(y, SHORTEST), SAMPLE_RATE).ravel()


@functools.cache
def _smile(feature_set):
    """One openSMILE object per process and feature set."""
    _load_library()
    import opensmile

    return opensmile.Smile(
        feature_set=opensmile.FeatureSet[feature_set],
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
    )


@functools.cache
def _load_library():
    """On Linux, bind openSMILE to its own symbols: once TensorFlow is loaded it would take TensorFlow's, and crash."""
    found = importlib.util.find_spec("opensmile")
    if found and hasattr(os, "RTLD_DEEPBIND"):
        for library in Path(found.origin).parent.glob(f"core/bin/*_{platform.machine()}/libSMILEapi.so"):
            ctypes.CDLL(str(library), os.RTLD_NOW | os.RTLD_DEEPBIND)


NAMES = {
    "egemaps": tuple(_smile("eGeMAPSv02").feature_names),
    "compare": tuple(_smile("ComParE_2016").feature_names),
}
