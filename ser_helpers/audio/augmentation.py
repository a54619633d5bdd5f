"""Data augmentation: noise, reverberation, speed, pitch, shift, level and telephone, drawn at random from a seed.

Each augmentation is a frozen dataclass called as ``augmentation(y, sr, seed)``. The same seed gives the same samples in
every process and thread. Noise, speed, pitch and shift use audiomentations.

>>> chain = Chain(Noise(snr=(5, 20)), Pitch(), p=0.5)
>>> chain
Chain(Noise(snr=(5.0, 20.0)), Pitch(semitones=(-2.0, 2.0)), p=0.5)
"""

import contextlib
import dataclasses
import random
import threading

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from ser_helpers.audio.signal import FRAME, check, pad, resample

_LOCK = threading.Lock()


class Augmentation:
    """Base class: ``augmentation(y, sr, seed)``.

    Takes mono samples ``y`` (n,), their rate in Hz and a seed (an integer, 0 or more), and returns float32 samples: as
    many as came in, except after `Speed`. Where the result would exceed ±1, it is scaled to a peak of 1. Digital
    silence stays silence. Raises AudioError when `y` is not a recording (NaN, integers, under 25 ms). Lesson 06.

    >>> y = np.sin(np.arange(16000))
    >>> bool(np.array_equal(Noise()(y, 16000, seed=7), Noise()(y, 16000, seed=7)))
    True
    """

    def __call__(self, y, sr, seed=0):
        """The samples `y` at `sr` Hz, changed as `seed` decides."""
        changed = self._change(check(y, sr), sr, seed).astype(np.float32, copy=False)
        return changed / max(np.abs(changed).max(), np.float32(1))


@dataclasses.dataclass(frozen=True)
class Noise(Augmentation):
    """White noise at a signal-to-noise ratio drawn from `snr` (dB); the signal's level is that of the whole recording.

    >>> Noise(snr=10)
    Noise(snr=(10.0, 10.0))
    """

    snr: tuple = (5, 20)

    def __post_init__(self):
        _set_span(self, "snr", -60, 120, "dB")

    def _change(self, y, sr, seed):
        from audiomentations import AddGaussianSNR

        return _run(AddGaussianSNR(*self.snr, p=1), y, sr, seed)


@dataclasses.dataclass(frozen=True)
class Reverb(Augmentation):
    """Reverberation that decays by 60 dB in a time drawn from `seconds` (RT60), at the level of the recording.

    The room's impulse response is the direct sound and exponentially decaying noise of the same energy: a listener at
    the critical distance. The tail after the recording's last sample is cut. After Moorer, "About this reverberation
    business", Computer Music Journal 3(2), 1979, doi:10.2307/3680280.

    >>> Reverb()(np.zeros(16000), 16000).shape
    (16000,)
    """

    seconds: tuple = (0.2, 0.8)

    def __post_init__(self):
        _set_span(self, "seconds", 0.01, 20, "seconds")

    def _change(self, y, sr, seed):
        rng = np.random.default_rng(seed)
        decay = rng.uniform(*self.seconds)
        time = np.arange(1, int(decay * sr) + 1) / sr
        echo = rng.standard_normal(len(time)) * 10 ** (-3 * time / decay)  # amplitude: 60 dB are a factor of 1000
        response = np.concatenate([[1], echo / np.sqrt(np.sum(echo**2))])
        reverberant = fftconvolve(y, response)[: len(y)]
        return reverberant * _rms(y) / _rms(reverberant) if np.any(y) else y


@dataclasses.dataclass(frozen=True)
class Speed(Augmentation):
    """Speech that is `rate` times as fast, at the same pitch: the recording gets shorter or longer by that factor.

    A result shorter than a frame (25 ms) is padded with silence.

    >>> Speed(rate=2)(np.zeros(16000), 16000).shape
    (8000,)
    """

    rate: tuple = (0.9, 1.1)

    def __post_init__(self):
        _set_span(self, "rate", 0.5, 2, "times")

    def _change(self, y, sr, seed):
        from audiomentations import TimeStretch

        changed = _run(TimeStretch(*self.rate, leave_length_unchanged=False, p=1), y, sr, seed)
        return pad(changed, int(FRAME * sr))


@dataclasses.dataclass(frozen=True)
class Pitch(Augmentation):
    """Pitch shifted by a number of `semitones` (negative: lower), at the same speed; formants are shifted too.

    >>> Pitch(semitones=(1, 2))(np.zeros(16000), 16000).shape
    (16000,)
    """

    semitones: tuple = (-2, 2)

    def __post_init__(self):
        _set_span(self, "semitones", -12, 12, "semitones")

    def _change(self, y, sr, seed):
        from audiomentations import PitchShift

        return _run(PitchShift(*self.semitones, p=1), y, sr, seed)


@dataclasses.dataclass(frozen=True)
class Shift(Augmentation):
    """The recording moved later by a number of `seconds` (negative: earlier), at most half its length.

    Silence takes the place of what is moved; the cut is faded over 5 ms.

    >>> Shift(seconds=0.5)(np.full(16000, 0.5), 16000)[[0, 7999, 12000]]
    array([0. , 0. , 0.5], dtype=float32)
    """

    seconds: tuple = (-0.3, 0.3)

    def __post_init__(self):
        _set_span(self, "seconds", -60, 60, "seconds")

    def _change(self, y, sr, seed):
        from audiomentations import Shift as Move

        low, high = np.clip(self.seconds, -len(y) / sr / 2, len(y) / sr / 2)
        return _run(Move(low, high, shift_unit="seconds", rollover=False, p=1), y, sr, seed)


@dataclasses.dataclass(frozen=True)
class Level(Augmentation):
    """The recording louder or softer by a number of `decibels`, clipped at ±1 as by a recorder that is set too high.

    >>> Level(decibels=6)(np.full(16000, 0.25), 16000)[:1].round(2).tolist()
    [0.5]
    """

    decibels: tuple = (-20, 10)

    def __post_init__(self):
        _set_span(self, "decibels", -60, 60, "dB")

    def _change(self, y, sr, seed):
        return np.clip(y * 10 ** (np.random.default_rng(seed).uniform(*self.decibels) / 20), -1, 1)


@dataclasses.dataclass(frozen=True)
class Telephone(Augmentation):
    """The sound of a telephone: 300–3400 Hz, 8000 samples a second, 8 bits on the mu-law scale of ITU-T G.711.

    >>> y = Telephone()(np.sin(2 * np.pi * 5000 * np.arange(16000) / 16000), 16000)  # above its band
    >>> len(y), bool(np.abs(y[1000:-1000]).max() < 0.01)
    (16000, True)
    """

    def _change(self, y, sr, seed):
        band = butter(4, [300, 3400], "bandpass", fs=8000, output="sos")
        narrow = np.clip(sosfilt(band, resample(y, sr, 8000)), -1, 1)
        code = np.round(127 * np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256)) / 127
        decoded = np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255
        return pad(resample(decoded.astype(np.float32), 8000, sr), len(y))[: len(y)]


@dataclasses.dataclass(frozen=True, init=False, repr=False)
class Chain(Augmentation):
    """Several augmentations one after the other, each with probability `p`.

    >>> Chain(Reverb(), Noise())(np.zeros(16000), 16000).shape
    (16000,)
    """

    parts: tuple
    p: float

    def __init__(self, *parts, p=1.0):
        wrong = [part for part in parts if not isinstance(part, Augmentation)]
        if wrong or not parts:
            raise ValueError(f"Chain takes augmentations such as Noise(), not {wrong[0] if parts else 'nothing'!r}.")
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability between 0 and 1, not {p!r}.")
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "p", float(p))

    def _change(self, y, sr, seed):
        rng = np.random.default_rng(seed)
        for part in self.parts:
            wanted, part_seed = rng.random() < self.p, int(rng.integers(2**32))
            if wanted:
                y = part(y, sr, part_seed)
        return y

    def __repr__(self):
        return f"Chain({', '.join(map(repr, self.parts))}, p={self.p})"


def _set_span(augmentation, name, lowest, highest, unit):
    """Make a field a pair of floats (one number is a range of that number); ValueError if it is out of range."""
    given = getattr(augmentation, name)
    try:
        low, high = (float(value) for value in np.broadcast_to(given, 2))
        valid = lowest <= low <= high <= highest
    except (TypeError, ValueError):
        valid = False
    if not valid:
        raise ValueError(
            f"{type(augmentation).__name__} takes {name}=(low, high) in {unit} between {lowest} and {highest}, not "
            f"{given!r}."
        )
    object.__setattr__(augmentation, name, (low, high))


def _run(transform, y, sr, seed):
    """Apply an audiomentations transform with `seed`.

    It draws from Python's and NumPy's global generators: so one thread at a time seeds them, and restores them after.
    """
    with _LOCK, _global_generators_restored():
        state = int(np.random.SeedSequence(seed).generate_state(1)[0])
        random.seed(state)
        np.random.seed(state)  # noqa: NPY002
        return transform(y, sr)


@contextlib.contextmanager
def _global_generators_restored():
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _rms(y):
    return np.sqrt(np.mean(np.square(y, dtype=np.float64)))
