"""A constant-Q transform that builds its filters once, not once per octave and recording.

`librosa.cqt` spends most of its time making wavelets: 36 for each of 7 octaves, anew for every clip. But an octave
lower at half the sample rate, a wavelet is the same samples; so 36 serve all octaves, and they are kept for the next
clip. Otherwise the transform follows librosa step by step, through its public functions, to the same numbers.
"""

import functools

import librosa
import numpy as np

OCTAVES = 7
BINS_PER_OCTAVE = 36
HOP = 512


def cqt(y, sr, tuning):
    """Magnitude of the constant-Q transform: 7 octaves from C1 upwards, 36 bins each, as chroma features need it.

    Parameters
    ----------
    y : array (n,)
        Mono samples.
    sr : int
        Sample rate in Hz, up to 22,050 (librosa halves higher ones beforehand).
    tuning : float
        Deviation from A440 in fractions of a bin, from ``librosa.estimate_tuning(..., bins_per_octave=36)``.

    Returns
    -------
    array (252, frames)
        As ``np.abs(librosa.cqt(y, sr=sr, n_bins=252, bins_per_octave=36, tuning=tuning))``; a frame every 512 samples.

    Notes
    -----
    Schörkhuber and Klapuri, "Constant-Q transform toolbox for music processing", SMC 2010.

    Examples
    --------
    Lesson 02 meets it inside the tonnetz features. A4 lies 3.75 octaves above C1:

    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> int(cqt(y, 22050, tuning=0.0).mean(axis=1).argmax()), int(3.75 * 36)
    (135, 135)
    """
    filters, root_lengths = _top_octave(sr, tuning)
    half = filters.shape[1] - 1
    octaves = []
    for octave in range(OCTAVES):
        spectra = librosa.stft(np.pad(y, half), n_fft=2 * half, hop_length=HOP >> octave, window="ones", center=False)
        octaves.insert(0, np.abs(filters @ spectra) / root_lengths)
        y = librosa.resample(y, orig_sr=2, target_sr=1, res_type="soxr_hq", scale=True)
    frames = min(octave.shape[1] for octave in octaves)
    return np.concatenate([octave[:, :frames] for octave in octaves])


@functools.lru_cache(maxsize=100)  # librosa gives the tuning to a hundredth of a bin
def _top_octave(sr, tuning):
    """Spectra of the 36 wavelets as a sparse matrix (36, n_fft / 2 + 1), and the roots of their lengths (36, 1)."""
    fmin = librosa.note_to_hz("C1") * 2.0 ** (OCTAVES - 1 + tuning / BINS_PER_OCTAVE)
    freqs = librosa.cqt_frequencies(BINS_PER_OCTAVE, fmin=fmin, bins_per_octave=BINS_PER_OCTAVE)
    wavelets, lengths = librosa.filters.wavelet(freqs=freqs, sr=sr)
    lengths = lengths[:, np.newaxis]
    n_fft = wavelets.shape[1]
    spectra = np.fft.fft(wavelets * lengths / n_fft, axis=1)[:, : n_fft // 2 + 1]
    return librosa.util.sparsify_rows(spectra, quantile=0.01, dtype=np.complex64), np.sqrt(lengths)
