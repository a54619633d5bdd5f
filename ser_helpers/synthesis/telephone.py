"""A telephone line: the band, the noise around the caller, the echo of the other side, the codec.

The band is 300–3400 Hz at 8 kHz, the codec the mu-law of ITU-T Recommendation G.711.
"""

import io
from functools import cache

import numpy as np
import soundfile as sf
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from .chance import slow_noise, stream
from .frames import SAMPLE_RATE, carrier
from .prosody import performance
from .render import render
from .speakers import speaker

PHONE_RATE = 8_000
LOWEST, HIGHEST = 300, 3400  # Hz
ECHO, ECHO_DELAY = 0.03, 0.06  # of the other side's voice, after so many seconds
HISS = 10 ** (-62 / 20)  # line noise, RMS of full scale
BACKGROUNDS = ("street", "car", "babble", "hiss")
BABBLE = ("Have a nice day.", "What does the screen say?", "I paid by card.", "One moment, let me look.")
_BAND = butter(4, [LOWEST, HIGHEST], "bandpass", fs=PHONE_RATE, output="sos")


def narrow(y):
    """(n,) at 16 kHz as the telephone passes it on: (ceil(n/2),) float32 at 8 kHz.

    >>> narrow(np.zeros(16_000)).shape
    (8000,)
    """
    return sosfilt(_BAND, resample_poly(y, 1, 2)).astype(np.float32)


def background(kind, n, rng):
    """(n,) float32 of noise at 16 kHz, RMS about 1 before the telephone: street, car, babble or hiss.

    >>> background("car", 100, stream("example")).dtype
    dtype('float32')
    """
    if kind == "babble":
        y = sum(np.roll(np.resize(_murmur(voice), n), int(rng.integers(n))) for voice in range(6))
    else:
        pole = {"street": 0.9, "car": 0.98, "hiss": 0}[kind]
        y = lfilter([1], [1, -pole], rng.standard_normal(n))
        y *= 10 ** (0.15 * slow_noise(n, SAMPLE_RATE, rng)) if kind == "street" else 1
    return (y / np.sqrt(np.mean(np.square(y)) + 1e-12)).astype(np.float32)


def mu_law(pcm):
    """The bytes of a wav file at 8 kHz in G.711 mu-law: `pcm` is float within ±1, (n,) or (n, channels)."""
    buffer = io.BytesIO()
    sf.write(buffer, pcm, PHONE_RATE, format="WAV", subtype="ULAW")
    return buffer.getvalue()


@cache
def _murmur(voice):
    """One voice of the babble, talking without end."""
    rng, actor = stream("babble", voice), speaker(25 + voice)
    said = [render(carrier(text), actor, performance(actor, "neutral", 1, rng), rng) for text in BABBLE]
    return np.concatenate(said) / np.std(np.concatenate(said))
