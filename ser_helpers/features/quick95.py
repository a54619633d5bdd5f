"""A voice in a few milliseconds: pitch, level and spectrum of a short window, for a detector that cannot wait."""

import functools

import librosa
import numpy as np
import scipy.fft

from ser_helpers import audio

SAMPLE_RATE = 16000
HOP = 160
SPECTRUM_FRAME, SPECTRUM_FFT = 400, 512
PITCH_FRAME, PITCH_FFT = 640, 1280
PITCH_BINS = 3500 * PITCH_FFT // SAMPLE_RATE  # pitch is taken below 3.5 kHz
LAGS = 2  # per sample: a period that ends between two samples must not look worse than two of them
SHORTEST_PERIOD, LONGEST_PERIOD = LAGS * SAMPLE_RATE // 450, LAGS * SAMPLE_RATE // 65
MEL_BANDS, CEPSTRUM = 40, 16
SPEECH_RANGE, VOICE_RANGE = 25, 20  # dB below the loud frames
BAND_RANGE = 30  # dB below the loud bands: what is softer may be the room
VOICED = 0.5  # of a period's samples that come again in the next
OCTAVE_COST = 0.04  # a doubled period must fit better by so much to be preferred

_SPREAD = ("mean", "std", "p10", "p50", "p90")
_PITCH = ("slope", "final", "rise", "fall", "step", "bend", "runs_per_s", "run_length", "voiced_share")
NAMES = {
    "quick": (
        *(f"pitch_{name}" for name in _SPREAD),
        *(f"hnr_{name}" for name in _SPREAD),
        *(f"pitch_{name}" for name in _PITCH),
        *(f"level_{name}" for name in (*_SPREAD[:4], "step", "rise", "fall", "peaks_per_s", "speech_share")),
        *(f"cepstrum_mean_{i:02}" for i in range(1, CEPSTRUM)),
        *(f"cepstrum_std_{i:02}" for i in range(CEPSTRUM)),
        *(f"cepstrum_step_{i:02}" for i in range(CEPSTRUM)),
        *(f"band_p85_{i:02}" for i in range(0, MEL_BANDS, 2)),
    )
}


def quick(y, sr, lowest=100, highest=7600):
    """Pitch, level and spectrum over the speech in a short recording: 95 numbers, in about 5 ms for 3 s.

    Parameters
    ----------
    y : array (n,)
        Mono samples, at least 25 ms.
    sr : int
        Sample rate in Hz; resampled to 16 kHz.
    lowest, highest : float
        The band that the spectrum is taken of, in Hz: 300 and 3400 on the telephone.

    Returns
    -------
    array (95,), float32
        In the order of ``names("quick")``; finite for every recording, silence included. Pitch is in semitones above
        50 Hz, level in dB below the loud frames: how loud the recording is as a whole changes nothing.

    Raises
    ------
    AudioError
        If `y` is not mono, shorter than 25 ms or not finite.

    Notes
    -----
    Frames every 10 ms. Pitch is the highest peak of the autocorrelation, taken below 3.5 kHz, over that of its window,
    after Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
    sampled sound", Proceedings of the Institute of Phonetic Sciences 17, 1993.

    Examples
    --------
    Lesson 12.

    >>> found = dict(zip(NAMES["quick"], quick(np.sin(2 * np.pi * 100 * np.arange(16000) / 16000), 16000)))
    >>> round(float(found["pitch_p50"]), 1)
    12.0
    """
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    y = y - y.mean()
    power = powers(y)
    level = 10 * np.log10(power.sum(axis=1) + 1e-10)
    top = np.percentile(level, 95)
    speech = level > top - SPEECH_RANGE
    where = np.flatnonzero(speech)
    period, repeated = _periods(_frames(y, PITCH_FRAME)[where])
    voiced = (repeated > VOICED) & (level[where] > top - VOICE_RANGE)
    pitch = 12 * np.log2(SAMPLE_RATE / period / 50)
    bands = 10 * np.log10(power[where[voiced] if voiced.any() else where] @ mel(lowest, highest) + 1e-10)
    bands = np.maximum(bands, np.percentile(bands, 99) - BAND_RANGE)
    found = [*_pitch(pitch, repeated, voiced, where), *_level(level, top, speech), *_spectrum(bands)]
    return np.array(found, np.float32)


def powers(y):
    """The power spectrum of samples at 16 kHz every 10 ms, (1 + n // 160, 257)."""
    return np.abs(scipy.fft.rfft(_frames(y, SPECTRUM_FRAME) * _hann(SPECTRUM_FRAME), SPECTRUM_FFT)) ** 2


@functools.cache
def mel(lowest, highest):
    """What each of 40 mel bands takes of a power spectrum, (257, 40)."""
    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=SPECTRUM_FFT, n_mels=MEL_BANDS, fmin=lowest, fmax=highest).T


def _frames(y, length):
    """Frames of `length` around every tenth millisecond, (1 + n // HOP, length)."""
    padded = np.pad(y, (length // 2, length))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[: len(y) + 1 : HOP]


@functools.cache
def _hann(length):
    return np.hanning(length).astype(np.float32)


def _correlation(power):
    """The autocorrelation that belongs to a power spectrum, at the lags 0, 1/2, 1 ... samples."""
    return scipy.fft.irfft(power, LAGS * PITCH_FFT)[..., : LONGEST_PERIOD + 2]


@functools.cache
def _window_correlation():
    correlation = _correlation(np.abs(scipy.fft.rfft(_hann(PITCH_FRAME), PITCH_FFT)) ** 2)
    return correlation / correlation[0]


def _periods(frames):
    """The period of each frame in samples, and how much of the frame it repeats, from 0 to 1."""
    spectrum = scipy.fft.rfft(frames * _hann(PITCH_FRAME), PITCH_FFT)[:, :PITCH_BINS]
    correlation = _correlation(np.abs(spectrum) ** 2)
    correlation = correlation / (correlation[:, :1] + 1e-12) / _window_correlation()
    lags = np.arange(SHORTEST_PERIOD, LONGEST_PERIOD + 1)
    best = (correlation[:, lags] - OCTAVE_COST * np.log2(lags / SHORTEST_PERIOD)).argmax(axis=1) + SHORTEST_PERIOD
    before, peak, after = (correlation[np.arange(len(best)), best + step] for step in (-1, 0, 1))
    bend = np.minimum(before - 2 * peak + after, -1e-9)
    return (best + np.clip((before - after) / (2 * bend), -0.5, 0.5)) / LAGS, peak


def _pitch(pitch, repeated, voiced, where):
    """Statistics of the voiced frames among those numbered `where`; zeros when hardly any is voiced."""
    if voiced.any():
        voiced = voiced & (np.abs(pitch - np.median(pitch[voiced])) < 14)
    if voiced.sum() < 5:
        return np.zeros(2 * len(_SPREAD) + len(_PITCH))
    p, at, kept = pitch[voiced], where[voiced], np.clip(repeated[voiced], 0.001, 0.999)
    steps = np.diff(p)[np.diff(at) == 1]
    steps = steps[np.abs(steps) < 3]
    time = at - at.mean()
    runs = np.split(p, np.flatnonzero(np.diff(at) > 3) + 1)
    return [
        *_spread(p),
        *_spread(10 * np.log10(kept / (1 - kept))),
        100 * (time @ p) / (time @ time),
        runs[-1][-15:].mean() - p.mean(),
        *_moves(steps),
        _mean(np.abs(steps)),
        np.median(np.abs(np.diff(steps))) if len(steps) > 1 else 0,
        100 * len(runs) / len(p),
        len(p) / len(runs),
        voiced.mean(),
    ]


def _level(level, top, speech):
    """Statistics of the level in speech, relative to its loud frames."""
    steps = np.diff(level)[speech[1:] & speech[:-1]]
    smooth = np.convolve(level, np.full(5, 0.2), "same")
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & speech[1:-1]
    spread = _spread(level[speech] - top)[:4]
    return [*spread, steps.std() if len(steps) else 0, *_moves(steps), 100 * peaks.sum() / speech.sum(), speech.mean()]


def _spectrum(bands):
    """Statistics of the mel bands of voiced frames (frames, bands), in dB, and of their cosine transform."""
    cepstrum = scipy.fft.dct(bands, axis=1, norm="ortho")[:, :CEPSTRUM]
    steps = np.diff(cepstrum, axis=0) if len(cepstrum) > 1 else np.zeros((1, CEPSTRUM))
    shape = bands[:, ::2] - bands.mean(axis=1, keepdims=True)
    return [
        *cepstrum.mean(axis=0)[1:],
        *cepstrum.std(axis=0),
        *steps.std(axis=0),
        *np.percentile(shape, 85, axis=0),
    ]


def _spread(x):
    return [x.mean(), x.std(), *np.percentile(x, (10, 50, 90))]


def _moves(steps):
    """The mean step upwards, and the mean step downwards."""
    return _mean(steps[steps > 0]), _mean(steps[steps < 0])


def _mean(x):
    return x.mean() if len(x) else 0.0
