"""Voices to train window models on: speakers whom no embedded corpus knows, speaking with a feeling for 3 s."""

import io
from collections.abc import Iterator

import numpy as np
import soundfile as sf

from ser_helpers import audio
from ser_helpers.models.windows import SAMPLE_RATE, WINDOW
from ser_helpers.synthesis.acting import speak
from ser_helpers.synthesis.chance import stream
from ser_helpers.synthesis.feelings import CENTRES, names
from ser_helpers.synthesis.lines import every_line
from ser_helpers.synthesis.telephone import BACKGROUNDS, PHONE_RATE, background, mu_law, narrow

BANDS = ("wide", "phone")
VOICES = range(1, 51)
CAST = 1  # the embedded corpora are of cast 0: these are other people
TURNS = 40
GOALS = ("ang", "hap", "neu", "sad", "fru", "exc", "neu", "sad")
SPREAD = 0.17  # of the feelings around the centre of an emotion
EMOTIONS = {"ang": "angry", "fru": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
ROOM_SNR, PHONE_SNR = (25, 60), (5, 25)  # dB, least and most


def windows_of(voice, band) -> Iterator[tuple[np.ndarray, str]]:
    """Yield windows (48000,) float32 at 16 kHz of one voice, each with its emotion.

    `band` is "wide", or "phone" for 300–3400 Hz through mu-law with a street, a car, other people or hiss behind.
    """
    rng, lines = stream("window voices", voice), every_line()
    for turn in range(TURNS):
        felt = np.clip(CENTRES[GOALS[turn % len(GOALS)]] + rng.normal(0, SPREAD, 3), -1, 1)
        said = [str(line) for line in rng.choice(lines, rng.integers(1, 3), replace=False)]
        heard = _placed(np.tanh(speak(said, voice, felt, False, rng, CAST)), rng)
        heard = _telephoned(heard, rng) if band == "phone" else _with_noise(heard, "hiss", ROOM_SNR, rng)
        name = names(felt)[0][0]
        if name in EMOTIONS:
            yield heard, EMOTIONS[name]


def _placed(y, rng):
    """A window that holds as much of the speech `y` as there is room for, (48000,)."""
    start = int(rng.integers(min(WINDOW - len(y), 0), max(WINDOW - len(y), 0) + 1))
    return audio.pad(np.pad(y, (max(start, 0), 0))[max(-start, 0) :], WINDOW)[:WINDOW]


def _with_noise(y, kind, snr, rng):
    """`y` with noise at an SNR drawn from `snr`; the level of the speech is that of its loud half."""
    noise = background(kind, len(y), rng)
    level = np.sqrt(2 * np.mean(np.square(y)))
    return (y + level * 10 ** (-rng.uniform(*snr) / 20) * noise).astype(np.float32)


def _telephoned(y, rng):
    noisy = _with_noise(y, str(rng.choice(BACKGROUNDS)), PHONE_SNR, rng)
    coded, _ = sf.read(io.BytesIO(mu_law(np.tanh(narrow(noisy)))), dtype="float32")
    return audio.pad(audio.resample(coded, PHONE_RATE, SAMPLE_RATE), WINDOW)[:WINDOW]
