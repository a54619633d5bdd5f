"""The kinds of feature there are and how each is computed: one table behind `extract`, `kinds` and `names`."""

import dataclasses
import functools
import importlib
import importlib.metadata
import inspect

from ser_helpers import cache, download
from ser_helpers.errors import WeightsMissing

_ROOM = "ser_helpers.features"
_READING = "ser_helpers.audio.io"
_LIBRARIES = ("librosa", "numpy", "opensmile", "praat-parselmouth", "scipy", "soundfile", "soxr")


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of feature: what it is, which function of which module computes it, at which sample rate (Hz).

    ``weights`` is the card of the pretrained network it needs, ``sequence`` is True for one row per frame.
    """

    about: str
    function: str
    module: str
    sr: int
    sequence: bool = False
    weights: str | None = None


_KINDS = {
    "vector193": Kind("MFCC, chroma, mel, contrast, tonnetz: means", "vector193", "recipe193", 22050),
    "prosody": Kind("pitch, energy, rate and pauses", "prosody", "praat", 16000),
    "voice": Kind("jitter, shimmer, HNR, formants", "voice_quality", "voice", 16000),
    "egemaps": Kind("openSMILE eGeMAPSv02 functionals", "egemaps", "functionals", 16000),
    "compare": Kind("openSMILE ComParE 2016 functionals", "compare2016", "functionals", 16000),
    "quick": Kind("pitch, level and spectrum in 5 ms", "quick", "quick95", 16000),
    "logmel": Kind("log-mel spectrogram, a sequence", "logmel", "sequences", 16000, sequence=True),
    "mfcc": Kind("MFCC per frame, a sequence", "mfcc", "sequences", 16000, sequence=True),
    "patchdct": Kind("DCT of log-mel patches, 128-d", "patchdct", "audioset", 16000),
    "vggish": Kind("VGGish embedding, 128-d", "vggish", "audioset", 16000, weights="vggish"),
    "yamnet": Kind("YAMNet embedding, 1024-d", "yamnet", "audioset", 16000, weights="yamnet"),
}


def kinds():
    """The kinds of feature that `extract` can compute, each with a line saying what it is.

    Examples
    --------
    Lesson 02.

    >>> kinds()["egemaps"]
    'openSMILE eGeMAPSv02 functionals'
    """
    return {name: kind.about for name, kind in _KINDS.items()}


def available(kind):
    """Whether a kind can be computed here: False when it needs pretrained weights that are not on this machine.

    `extract` never downloads by itself: it raises WeightsMissing, which names the command that does.

    Parameters
    ----------
    kind : str
        One of `kinds()`.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    Lesson 05.

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
    needed = find(kind).weights
    if needed:
        download.folder(needed)


def find(kind):
    """The `Kind` of that name, or a ValueError that lists the names there are."""
    if kind not in _KINDS:
        raise ValueError(f"There is no kind of feature called {kind!r}; choose one of {', '.join(_KINDS)}.")
    return _KINDS[kind]


def names(kind):
    """Names of the features of a kind, in the order of its numbers.

    Parameters
    ----------
    kind : str
        One of `kinds()`.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    Lesson 02.

    >>> names("vector193")[:2], names("vector193")[40:42], len(names("vector193"))
    (['mfcc_01', 'mfcc_02'], ['chroma_C', 'chroma_C#'], 193)
    """
    return list(_module(find(kind).module).NAMES[kind])


def compute(kind, y, sr, **parameters):
    """Features of one recording: (dims,), or (frames, dims) for a sequence."""
    spec = find(kind)
    return getattr(_module(spec.module), spec.function)(y, sr, **parameters)


def check_parameters(kind, parameters):
    """Raise a ValueError that lists what the kind's function takes, if it does not take all of `parameters`."""
    spec = find(kind)
    known = list(inspect.signature(getattr(_module(spec.module), spec.function)).parameters)[2:]
    unknown = [name for name in parameters if name not in known]
    if unknown:
        choice = f"it takes {', '.join(known)}" if known else "it takes none"
        raise ValueError(f"{kind!r} has no parameter {', '.join(unknown)}; {choice}.")


@functools.cache
def version(kind):
    """What a kind's numbers depend on, as a hash: our code, the libraries' versions and the pretrained weights."""
    spec = find(kind)
    files = download.cards()[spec.weights].files if spec.weights else None
    return cache.version(f"{_ROOM}.{spec.module}", _READING, files, libraries=_LIBRARIES)


def _module(name):
    return importlib.import_module(f"{_ROOM}.{name}")
