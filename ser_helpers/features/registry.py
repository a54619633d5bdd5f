"""The kinds of feature and how each is computed: the table behind `extract`, `kinds` and `names`."""

import dataclasses
import functools
import importlib
import inspect

from ser_helpers import cache, download
from ser_helpers.errors import WeightsMissing

_PACKAGE = "ser_helpers.features"
_READING = "ser_helpers.audio.io"
_LIBRARIES = ("librosa", "numpy", "opensmile", "praat-parselmouth", "scipy", "soundfile", "soxr")


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of feature: the function of which module computes it, and at which sample rate (Hz).

    ``weights`` names the pretrained network it needs, ``libraries`` what it depends on beside ``_LIBRARIES``;
    ``sequence`` is True for one row per frame.
    """

    about: str
    function: str
    module: str
    sr: int
    sequence: bool = False
    weights: str | None = None
    libraries: tuple = ()


_KINDS = {
    "vector193": Kind("MFCC, chroma, mel, contrast, tonnetz: means", "vector193", "librosa193", 22050),
    "prosody": Kind("pitch, energy, rate and pauses", "prosody", "praat", 16000),
    "voice_quality": Kind("jitter, shimmer, HNR, formants", "voice_quality", "praat", 16000),
    "egemaps": Kind("openSMILE eGeMAPSv02 functionals", "egemaps", "functionals", 16000),
    "compare": Kind("openSMILE ComParE 2016 functionals", "compare2016", "functionals", 16000),
    "quick": Kind("pitch, level and spectrum in 5 ms", "quick", "quick95", 16000),
    "logmel": Kind("log-mel spectrogram, a sequence", "logmel", "sequences", 16000, sequence=True),
    "mfcc": Kind("MFCC per frame, a sequence", "mfcc", "sequences", 16000, sequence=True),
    "speech": Kind(
        "probability of speech per 32 ms, a sequence", "speech", "sequences", 16000, True, None, ("silero-vad",)
    ),
    "patchdct": Kind("DCT of log-mel patches, 128-d", "patchdct", "audioset", 16000),
    "vggish": Kind("VGGish embedding, 128-d", "vggish", "audioset", 16000, weights="vggish"),
}


def kinds():
    """The kinds of feature that `extract` computes, {name: what it is} (Lesson 02).

    >>> kinds()["egemaps"]
    'openSMILE eGeMAPSv02 functionals'
    """
    return {name: kind.about for name, kind in _KINDS.items()}


def names(kind):
    """Names of the features of a kind, in the order of its numbers; ValueError if there is no such kind (Lesson 02).

    >>> names("vector193")[:2], names("vector193")[40:42], len(names("vector193"))
    (['mfcc_01', 'mfcc_02'], ['chroma_C', 'chroma_C#'], 193)
    """
    return list(_module(kind).NAMES[kind])


def available(kind):
    """Whether a kind can be computed: False if it needs pretrained weights that are not on this machine (Lesson 05).

    `extract` does not download weights; it raises WeightsMissing, which names the command that does. Raises ValueError
    if there is no such kind.

    >>> available("patchdct")
    True
    """
    try:
        check_weights(kind)
    except WeightsMissing:
        return False
    return True


def check_weights(kind):
    """Raise WeightsMissing if a kind needs pretrained weights that are not on this machine."""
    if find(kind).weights:
        download.weights_folder(find(kind).weights)


def find(kind):
    """The `Kind` of that name; ValueError, with the names there are, if there is none."""
    if kind not in _KINDS:
        raise ValueError(f"There is no kind of feature called {kind!r}; choose one of {', '.join(_KINDS)}.")
    return _KINDS[kind]


def compute(kind, y, sr, **parameters):
    """Features of one recording: (dims,), or (frames, dims) for a sequence."""
    return _function(kind)(y, sr, **parameters)


def check_parameters(kind, parameters):
    """Raise a ValueError that lists what the kind's function accepts, if it does not accept all `parameters`."""
    known = list(inspect.signature(_function(kind)).parameters)[2:]
    unknown = [name for name in parameters if name not in known]
    if unknown:
        choice = f"it takes {', '.join(known)}" if known else "it takes none"
        raise ValueError(f"{kind!r} has no parameter {', '.join(unknown)}; {choice}.")


@functools.cache
def version(kind):
    """What a kind's numbers depend on, as a hash: our code, the libraries' versions and the pretrained weights."""
    spec = find(kind)
    files = download.weights_cards()[spec.weights].files if spec.weights else None
    return cache.version(f"{_PACKAGE}.{spec.module}", _READING, files, libraries=(*_LIBRARIES, *spec.libraries))


def _function(kind):
    return getattr(_module(kind), find(kind).function)


def _module(kind):
    return importlib.import_module(f"{_PACKAGE}.{find(kind).module}")
