"""The 193-d vector that many public SER projects start from: five librosa features, averaged over time.

==============  ====  ==========================================================
MFCC            40    the coarse shape of the spectrum: timbre
chroma          12    how strong each of the twelve notes is
mel             128   power in 128 bands, narrow where hearing is fine
contrast        7     peaks above valleys, in octave bands
tonnetz         6     the chords of the harmonic part
==============  ====  ==========================================================

`vector193_plain` is the recipe as it is usually written. `vector193` computes the same numbers, about ten times faster.
Two of its steps are discontinuous: a tuning is the fullest bin of a histogram, and a rounding error can move a pitch
into the next bin. So what leads to the tunings (spectrum, harmonic part, peaks) equals librosa's to the last bit.

Shapes: T frames, one every 512 samples; 1025 frequencies from 0 to 11,025 Hz. librosa returns (1025, T) but stores
each frame contiguously, so code that reads memory in order works on the transpose, (T, 1025).
"""

import functools

import librosa
import numba
import numpy as np
import scipy.fft

from ser_helpers import audio

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
_N_FFT, _HOP = 2048, 512  # librosa's defaults, as all the numbers below
_WIDTH = 31  # rows per median
_OCTAVES, _BINS = 7, 36  # of the constant-Q transform, and bins per octave


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
    """MFCC, chroma, mel, spectral contrast and tonnetz, averaged over time: 193 numbers. Lesson 02.

    Four things save time over `vector193_plain`: the spectrum is computed once; the two median filters that separate
    the harmonic part update sorted windows, many side by side; only spectral peaks are interpolated, not every bin; and
    filter banks are cached, with one octave's constant-Q filters for all octaves. Raises AudioError if `y` is not mono,
    shorter than 25 ms or not finite.

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

    Notes
    -----
    McFee et al., "librosa: Audio and music signal analysis in Python", SciPy 2015, doi:10.25080/Majora-7b98e3ed-003;
    harmonic part: Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010; constant-Q transform:
    Schörkhuber and Klapuri, "Constant-Q transform toolbox for music processing", SMC 2010.

    Examples
    --------
    >>> vector193(np.sin(np.arange(22050)), 22050).shape
    (193,)
    """
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    magnitude, phase = librosa.magphase(_stft(y))
    mel = _mel_filters() @ magnitude**2  # (128, T)
    chroma = (magnitude.T @ _chroma_filters(_tuning(magnitude, 12)).T).T  # (12, T), stored and so summed as librosa's
    parts = [
        librosa.feature.mfcc(S=librosa.power_to_db(mel), n_mfcc=40),
        librosa.util.normalize(chroma, axis=0),
        mel,
        librosa.feature.spectral_contrast(S=magnitude, sr=SAMPLE_RATE),
        _tonnetz(_harmonic(magnitude, phase, len(y))),
    ]
    return np.concatenate([part.mean(axis=1) for part in parts]).astype(np.float64)


def _stft(y):
    """As `librosa.stft`, (1025, T), but padded beforehand: librosa warns of clips shorter than a window."""
    return librosa.stft(np.pad(y, _N_FFT // 2), n_fft=_N_FFT, hop_length=_HOP, center=False)


@functools.cache
def _mel_filters():
    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=_N_FFT)  # (128, 1025)


@functools.cache  # a hundred at most: a tuning is a multiple of 0.01
def _chroma_filters(tuning):
    return librosa.filters.chroma(sr=SAMPLE_RATE, n_fft=_N_FFT, tuning=tuning)  # (12, 1025)


def _tuning(magnitude, bins_per_octave):
    """As `librosa.estimate_tuning`, which interpolates every bin, peak or not, and warns of a sound without a peak.

    A peak is a bin between 150 and 4000 Hz that exceeds its neighbours and a tenth of its frame's maximum; its pitch is
    the vertex of the parabola through the three bins. The tuning is the commonest deviation from A440, in fractions of
    a bin, of the stronger half of the pitches.
    """
    first, stop = (int(np.ceil(hertz * _N_FFT / SAMPLE_RATE)) for hertz in (150, 4000))
    left, middle, right = (magnitude.T[:, first + k : stop + k] for k in (-1, 0, 1))  # each (T, 358)
    threshold = 0.1 * magnitude.T.max(axis=1, keepdims=True)  # (T, 1)
    peaks = np.nonzero((middle > left) & (middle >= right) & (middle > threshold))
    if not peaks[0].size:
        return 0.0
    left, middle, right = left[peaks], middle[peaks], right[peaks]
    slope, curvature = (right - left) / 2, left + right - 2 * middle.astype(np.float64)  # float64, as in librosa
    within = abs(slope) < abs(curvature)  # else the vertex is more than a bin away, and the peak's own bin serves
    shift = np.divide(-slope, curvature, out=np.zeros_like(curvature), where=within).astype(np.float32)
    pitch = ((first + peaks[1] + shift) * SAMPLE_RATE / _N_FFT).astype(np.float32)
    strength = middle + np.float32(0.5) * slope * shift
    return librosa.pitch_tuning(pitch[strength >= np.median(strength)], bins_per_octave=bins_per_octave)


def _harmonic(magnitude, phase, length):
    """As `librosa.effects.harmonic`, (length,): bins that stand out from their neighbours in frequency, not in time."""
    harmonic = _running_median(magnitude.T).T  # over 31 frames, which removes clicks
    percussive = np.asfortranarray(_running_median(magnitude))  # over 31 frequencies, which removes tones
    return librosa.istft(magnitude * _soft_mask(harmonic, percussive) * phase, length=length)


def _soft_mask(part, rest):
    """As `librosa.util.softmask` with ``power=2, split_zeros=True``: the part's share of the power, half in silence."""
    larger = np.maximum(part, rest)
    silent = larger < np.finfo(larger.dtype).tiny
    larger[silent] = part[silent] = rest[silent] = 1  # which makes their share a half; the arguments are overwritten
    part, rest = (part / larger) ** 2, (rest / larger) ** 2  # divided first, as the square of a small number is zero
    return part / (part + rest)


def _running_median(rows):
    """Median of every row with its 15 neighbours on either side, ends reflected; column by column, (n, columns)."""
    padded = np.ascontiguousarray(np.pad(rows, ((_WIDTH // 2, _WIDTH // 2), (0, 0)), mode="symmetric"))
    medians = np.empty(rows.shape, rows.dtype)
    _slide_window(padded, np.sort(padded[:_WIDTH], axis=0), medians)
    return medians


@numba.njit(cache=True)  # compiling takes seconds, in every process if it were not cached
def _slide_window(padded, window, medians):
    """Fill `medians` (n, columns) from `padded` (n + 30, columns) and its first 31 rows, sorted by column, `window`.

    From one median to the next, one row leaves the window and one arrives. A single pass from the lowest rank to the
    highest keeps each column sorted: values from the leaving one upwards move down a rank, which closes the gap, and
    the arriving value is exchanged for every larger one it meets, which moves those up again. There is no branch, and
    the inner loop runs along memory, so that the compiler turns it into SIMD instructions: 8 or 16 columns at once.
    """
    for row in range(len(medians)):
        medians[row] = window[_WIDTH // 2]
        if row == len(medians) - 1:
            break
        leaving, carried = padded[row], padded[row + _WIDTH].copy()
        for rank in range(_WIDTH - 1):
            for column in range(window.shape[1]):
                stays = window[rank, column] < leaving[column]
                value = window[rank, column] if stays else window[rank + 1, column]
                window[rank, column] = min(value, carried[column])
                carried[column] = max(value, carried[column])
        window[_WIDTH - 1] = carried


def _tonnetz(y):
    """As `librosa.feature.tonnetz` of the harmonic part `y`, (6, T)."""
    bins = cqt(y, _tuning(np.abs(_stft(y)), _BINS))
    chroma = librosa.util.normalize(_cqt_to_chroma() @ bins, axis=0)  # (12, T)
    return librosa.feature.tonnetz(chroma=chroma)


@functools.cache
def _cqt_to_chroma():
    return librosa.filters.cq_to_chroma(_OCTAVES * _BINS, bins_per_octave=_BINS)  # (12, 252)


def cqt(y, tuning):
    """Magnitude of the constant-Q transform: 7 octaves from C1 upwards, 36 bins each, as chroma features need it.

    `librosa.cqt` spends most of its time making wavelets: 36 for each octave, anew for every clip. But one octave
    lower, at half the sample rate, a wavelet has the same samples. So 36 wavelets serve all octaves, and the next clip.

    Parameters
    ----------
    y : array (n,)
        Mono samples at 22,050 Hz, float32.
    tuning : float
        Deviation from A440 in fractions of a bin, from ``librosa.estimate_tuning(..., bins_per_octave=36)``.

    Returns
    -------
    array (252, T)
        As ``np.abs(librosa.cqt(y, n_bins=252, bins_per_octave=36, tuning=tuning))``.

    Examples
    --------
    Lesson 02 uses it inside the tonnetz features. A4 lies 3.75 octaves above C1:

    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    >>> int(cqt(y, tuning=0.0).mean(axis=1).argmax()), int(3.75 * 36)
    (135, 135)
    """
    filters, used, n_fft, root_lengths = _top_octave(tuning)
    octaves = []
    for octave in range(_OCTAVES):
        padded = np.pad(y, n_fft // 2).astype(np.float64)  # an FFT in single precision changes quiet frames
        frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[:: _HOP >> octave]  # (T, n_fft)
        spectra = scipy.fft.rfft(frames)[:, used].astype(np.complex64)  # (T, used)
        octaves.insert(0, np.abs(filters @ spectra.T) / root_lengths)  # (36, T)
        y = librosa.resample(y, orig_sr=2, target_sr=1, res_type="soxr_hq", scale=True)
    length = min(octave.shape[1] for octave in octaves)  # rounding leaves some octaves a frame more
    return np.concatenate([octave[:, :length] for octave in octaves])


@functools.cache  # a hundred at most
def _top_octave(tuning):
    """Spectra of the 36 highest wavelets, sparse (36, used); the slice of FFT bins used; n_fft; root lengths (36, 1).

    librosa zeroes the smallest values of each spectrum, 1 % of its sum. What is left lies in a fifth of the FFT bins.
    """
    fmin = librosa.note_to_hz("C1") * 2.0 ** (_OCTAVES - 1 + tuning / _BINS)
    freqs = librosa.cqt_frequencies(_BINS, fmin=fmin, bins_per_octave=_BINS)
    wavelets, lengths = librosa.filters.wavelet(freqs=freqs, sr=SAMPLE_RATE)
    lengths = lengths[:, np.newaxis]
    n_fft = wavelets.shape[1]
    wavelets *= lengths / n_fft
    filters = librosa.util.sparsify_rows(
        scipy.fft.fft(wavelets)[:, : n_fft // 2 + 1], quantile=0.01, dtype=np.complex64
    )
    used = slice(filters.indices.min(), filters.indices.max() + 1)
    return filters[:, used], used, n_fft, np.sqrt(lengths)
