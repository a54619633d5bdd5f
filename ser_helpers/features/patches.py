"""Log-mel patches of 0.96 s, the input of VGGish and YAMNet, and an embedding made from them without any network."""

import functools

import numpy as np
import scipy.fft

from ser_helpers import audio

SAMPLE_RATE = 16000
WINDOW, HOP, FFT = 400, 160, 512
BANDS, FRAMES = 64, 96
PATCH = WINDOW + (FRAMES - 1) * HOP
"""Samples that one patch needs: 0.975 s."""

NAMES = {"patchdct": tuple(f"dct_time{t}_mel{m:02}" for t in range(8) for m in range(16))}


def patchdct(y, sr):
    """128 numbers that sum up a recording's log-mel patches: an embedding that needs no download.

    The patches are those of VGGish (0.96 s, 96 frames x 64 bands). Of each, the two-dimensional DCT keeps the 8 slowest
    changes in time times the 16 broadest shapes over frequency; the numbers of all patches are averaged. PCA of such
    smooth patches comes close to the DCT, so this is VGGish's pipeline with the network left out.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.

    Returns
    -------
    array (128,)
        In the order of ``names("patchdct")``: all 16 coefficients over frequency of the mean over time come first. A
        recording shorter than a patch is filled up with silence; a rest that fills no patch is left out.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    Ahmed, Natarajan and Rao, "Discrete cosine transform", IEEE Transactions on Computers C-23(1), 1974,
    doi:10.1109/T-C.1974.223784.

    Examples
    --------
    Lesson 05.

    >>> patchdct(np.sin(np.arange(16000)), 16000).shape
    (128,)
    """
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    mean = log_mel_patches(y).mean(axis=0)  # the DCT of the mean is the mean of the DCTs
    return scipy.fft.dctn(mean, norm="ortho")[:8, :16].ravel()


def log_mel_patches(y, offset=0.01, hop=FRAMES):
    """Log-mel patches as VGGish and YAMNet take them.

    The magnitude of the spectrum (25 ms every 10 ms, periodic Hann window) in 64 HTK mel bands from 125 to 7500 Hz,
    ``log(mel + offset)``, in patches of 96 frames.

    Parameters
    ----------
    y : array (n,)
        Samples at 16 kHz; shorter ones than a patch are filled up with silence.
    offset : float
        Keeps silence finite: 0.01 for VGGish, 0.001 for YAMNet.
    hop : int
        Frames from one patch to the next: 96 for VGGish, 48 for YAMNet.

    Returns
    -------
    array (patches, 96, 64), float32

    Examples
    --------
    >>> log_mel_patches(np.zeros(48000)).shape
    (3, 96, 64)
    """
    windows = np.lib.stride_tricks.sliding_window_view(audio.pad(y, PATCH), WINDOW)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    magnitude = np.abs(scipy.fft.rfft(windows * hann.astype(np.float32), FFT))
    logmel = np.log(magnitude @ mel_matrix() + np.float32(offset))
    return np.lib.stride_tricks.sliding_window_view(logmel, FRAMES, axis=0)[::hop].transpose(0, 2, 1)


@functools.cache
def mel_matrix():
    """Weights of the 257 frequencies in the 64 bands, shape (257, 64): triangles on the mel scale, edges in mel.

    >>> mel_matrix().shape
    (257, 64)
    """
    frequencies = _mel(np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)[:, None]
    edges = np.linspace(_mel(125), _mel(7500), BANDS + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - lower) / (centre - lower), (upper - frequencies) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz):
    """The mel scale of HTK."""
    return 1127 * np.log1p(np.asarray(hertz) / 700)
