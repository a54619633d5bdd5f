"""The 193-d vector that many public SER projects start from: five librosa features, averaged over time.

==============  ====  ==========================================================
MFCC            40    the shape of the spectrum, as a voice's colour
chroma          12    which of the twelve notes sound
mel             128   power in 128 bands, narrow where hearing is fine
contrast        7     peaks above valleys, in octave bands
tonnetz         6     the harmonic part's chords, as a musician would map them
==============  ====  ==========================================================

`vector193_plain` is the recipe as it is usually written. `vector193` gives the same numbers several times faster.
"""

import librosa
import numpy as np
from scipy.ndimage import median_filter

from ser_helpers import audio
from ser_helpers.features.cqt import BINS_PER_OCTAVE, cqt

SAMPLE_RATE = 22050
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NAMES = {
    "vector193": (
        *(f"mfcc_{i:02}" for i in range(1, 41)),
        *(f"chroma_{note}" for note in _NOTES),
        *(f"mel_{i:03}" for i in range(1, 129)),
        *(f"contrast_{i}" for i in range(1, 8)),
        *(f"tonnetz_{i}" for i in range(1, 7)),
    )
}


def vector193_plain(y, sr):
    """The recipe as it is usually written, five features and five means; `vector193` is the same, faster.

    Parameters and result as in `vector193`. On clips under 0.1 s it may fail or be wrong, where `vector193` is right:
    the 2-D median filter of scipy 1.17 reads beyond arrays far smaller than its window.

    Examples
    --------
    Lesson 02.

    >>> vector193_plain(np.sin(np.arange(22050)), 22050).shape
    (193,)
    """
    y, sr = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE), SAMPLE_RATE
    spectrum = np.abs(librosa.stft(y))
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=40).mean(axis=1)
    chroma = librosa.feature.chroma_stft(S=spectrum, sr=sr).mean(axis=1)
    mel = librosa.feature.melspectrogram(y=y, sr=sr).mean(axis=1)
    contrast = librosa.feature.spectral_contrast(S=spectrum, sr=sr).mean(axis=1)
    tonnetz = librosa.feature.tonnetz(y=librosa.effects.harmonic(y), sr=sr).mean(axis=1)
    return np.concatenate([mfcc, chroma, mel, contrast, tonnetz])


def vector193(y, sr):
    """MFCC, chroma, mel, spectral contrast and tonnetz, averaged over time: 193 numbers.

    Three savings make it several times faster than `vector193_plain`: the spectrum is computed once, the two median
    filters that find the harmonic part run in one dimension, and one octave's constant-Q filters serve all octaves.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms.
    sr : int
        Sample rate in Hz; resampled to 22,050 Hz.

    Returns
    -------
    array (193,), float64
        In the order of ``names("vector193")``; finite for every recording, silence included.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    McFee et al., "librosa: Audio and music signal analysis in Python", SciPy 2015, doi:10.25080/Majora-7b98e3ed-003;
    harmonic part: Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010.

    Examples
    --------
    Lesson 02.

    >>> vector193(np.sin(np.arange(22050)), 22050).shape
    (193,)
    """
    y, sr = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE), SAMPLE_RATE
    magnitude, phase = librosa.magphase(_stft(y))
    mel = librosa.feature.melspectrogram(S=magnitude**2, sr=sr)
    parts = [
        librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=40),
        librosa.feature.chroma_stft(S=magnitude, sr=sr, tuning=_tuning(magnitude, sr, 12)),
        mel,
        librosa.feature.spectral_contrast(S=magnitude, sr=sr),
        _tonnetz(_harmonic(magnitude, phase, len(y)), sr),
    ]
    return np.concatenate([part.mean(axis=1) for part in parts]).astype(np.float64)


def _stft(y, n_fft=2048):
    """As `librosa.stft`, which warns of clips shorter than a window unless they are padded beforehand."""
    return librosa.stft(np.pad(y, n_fft // 2), n_fft=n_fft, center=False)


def _tuning(magnitude, sr, bins_per_octave):
    """As `librosa.estimate_tuning`, which warns of a sound without pitch before it answers 0."""
    pitch, strength = librosa.piptrack(S=magnitude, sr=sr)
    pitch, strength = pitch[pitch > 0], strength[pitch > 0]
    if not pitch.size:
        return 0.0
    return librosa.pitch_tuning(pitch[strength >= np.median(strength)], bins_per_octave=bins_per_octave)


def _tonnetz(y, sr):
    tuning = _tuning(np.abs(_stft(y)), sr, BINS_PER_OCTAVE)
    chroma = librosa.feature.chroma_cqt(C=cqt(y, sr, tuning), bins_per_octave=BINS_PER_OCTAVE)
    return librosa.feature.tonnetz(chroma=chroma)


def _harmonic(magnitude, phase, length):
    """The samples of what sustains: bins that stand out from their neighbours in time more than in frequency."""
    harmonic, percussive = _running_median(magnitude), _running_median(magnitude.T).T
    mask = librosa.util.softmask(harmonic, percussive, power=2, split_zeros=True)
    return librosa.istft(magnitude * mask * phase, length=length)


def _running_median(rows, width=31):
    """Median of `width` neighbours along each row, with reflected ends; scipy is fast in one dimension only."""
    half = width // 2
    padded = np.pad(rows, ((0, 0), (half, half)), mode="symmetric")
    return median_filter(padded.ravel(), size=width).reshape(padded.shape)[:, half:-half]
