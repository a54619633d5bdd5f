"""What the speaker encoder hears: mel frames of speech, and the windows they are cut into."""

import numpy as np

SAMPLE_RATE, FFT, HOP, MELS = 16000, 400, 160, 40
WINDOW = 160
"""Frames of 10 ms that the network hears at once: 1.6 s, as in its training."""

AT_ONCE = 60000
"""Frames whose spectra are held together: 10 minutes."""

RATE, COVERAGE = 1.3, 0.75
LOUDNESS = -30.0
"""dBFS to which quieter recordings are raised."""


def mel_frames(y):
    """Mel power spectrogram (frames, 40), float32, of samples at 16 kHz: 25 ms windows, 10 ms hop, not in dB.

    >>> mel_frames(np.zeros(16000)).shape
    (101, 40)
    """
    import librosa

    frames, heard = 1 + len(y) // HOP, np.pad(y, FFT // 2)
    parts = []
    for first in range(0, frames, AT_ONCE):
        part = heard[first * HOP : (min(first + AT_ONCE, frames) - 1) * HOP + FFT]
        mels = librosa.feature.melspectrogram(
            y=part, sr=SAMPLE_RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS, center=False
        )
        parts.append(mels.T.astype("f4"))
    return np.concatenate(parts)


def loud(y):
    """`y` at -30 dBFS if it is quieter than that.

    >>> round(float(np.std(loud(0.001 * np.sin(np.arange(1000))))), 3)
    0.032
    """
    level = np.sqrt(np.mean(np.square(y, dtype=float)))
    wanted = 10 ** (LOUDNESS / 20)
    return y * np.float32(wanted / level) if 0 < level < wanted else y


def partials(n):
    """First frames of the windows of 1.6 s that cover `n` samples, 1.3 a second; the last holds 0.75 of a window.

    >>> partials(16000 * 4).tolist()
    [0, 77, 154, 231]
    """
    frames, step = -(-(n + 1) // HOP), round(SAMPLE_RATE / RATE / HOP)
    starts = np.arange(0, max(1, frames - WINDOW + step + 1), step)
    covered = (n / HOP - starts[-1]) / WINDOW
    return starts[:-1] if covered < COVERAGE and len(starts) > 1 else starts


def unit(vectors):
    """Vectors at length 1.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
