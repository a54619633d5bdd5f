"""Log-mel spectrogram, MFCC and probability of speech: sequences, one row per frame."""

import numbers

import librosa
import numpy as np

from ser_helpers import audio
from ser_helpers.audio.vad import FRAME, VoiceActivityDetector
from ser_helpers.errors import AudioError

SAMPLE_RATE = 16000
WINDOW = 400
HOP = 160
BANDS = 64
MOST_BANDS = 192  # with more, the lowest bands would contain no frequency of the spectrum
NAMES = {
    "logmel": tuple(f"logmel_{i:02}" for i in range(1, BANDS + 1)),
    "mfcc": tuple(f"mfcc_{i:02}" for i in range(1, 41)),
    "speech": ("speech",),
}


def logmel(y, sr, n_mels=BANDS):
    """Log-mel spectrogram, windows of 25 ms every 10 ms: (frames, n_mels) float32 in dB (Lesson 02).

    `y` are mono samples, (n,), at `sr` Hz, of at least 25 ms, resampled to 16 kHz. There are at most 192 bands between
    0 and 8 kHz, on Slaney's mel scale; ``frames`` is 1 + samples at 16 kHz // 160. The level is relative to a power of
    1, never below -100. Raises AudioError if `y` is not mono, too short or not finite, or `n_mels` is out of range.

    >>> logmel(np.sin(np.arange(16000)), 16000).shape
    (101, 64)
    """
    _check("n_mels", n_mels, MOST_BANDS)
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    power = librosa.feature.melspectrogram(
        y=audio.pad(y, 512), sr=SAMPLE_RATE, n_fft=512, win_length=WINDOW, hop_length=HOP, n_mels=n_mels
    )
    return librosa.power_to_db(power, amin=1e-10, top_db=None).T[: 1 + len(y) // HOP].astype(np.float32)


def mfcc(y, sr, n_mfcc=40, deltas=False):
    """Mel-frequency cepstral coefficients: (frames, n_mfcc), or (frames, 3 * n_mfcc), float32 (Lesson 02).

    They are the shape of the 64-band log-mel spectrum, smoothed; `n_mfcc` is at most 64. `deltas` adds each
    coefficient's first and second derivative over 9 frames. Samples, frames and errors as in `logmel`.

    Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in continuously
    spoken sentences", IEEE Transactions on Acoustics, Speech, and Signal Processing 28(4), 1980,
    doi:10.1109/TASSP.1980.1163420.

    >>> mfcc(np.sin(np.arange(16000)), 16000, deltas=True).shape
    (101, 120)
    """
    _check("n_mfcc", n_mfcc, BANDS)
    coefficients = librosa.feature.mfcc(S=logmel(y, sr).T, n_mfcc=n_mfcc)
    parts = [coefficients]
    if deltas:
        parts += [librosa.feature.delta(coefficients, order=order, mode="nearest") for order in (1, 2)]
    return np.concatenate(parts).T.astype(np.float32)


def speech(y, sr):
    """The probability of speech in each frame of 32 ms, by Silero's network: (frames, 1) float32 (Lesson 12).

    `y` are mono samples, (n,), at `sr` Hz, of at least 25 ms, resampled to 16 kHz. Raises AudioError if `y` is not
    mono, too short or not finite. https://github.com/snakers4/silero-vad

    >>> speech(np.zeros(16000), 16000).shape
    (31, 1)
    """
    y = audio.resample(audio.check(y, sr), sr, SAMPLE_RATE)
    return VoiceActivityDetector().feed(audio.pad(y, FRAME))[:, None]


def _check(name, number, most):
    if not isinstance(number, numbers.Integral) or not 1 <= number <= most:
        raise AudioError(f"{name} is a whole number from 1 to {most}, not {number!r}.")
