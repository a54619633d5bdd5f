"""The vocoder: frames + speaker + cues → a waveform.

Five steps, each a function: *timing* stretches the sentence, *pitch* draws its melody, *spectrum* shapes the voice,
*source* makes the pulses of the vocal folds, and *overlap-add* joins the filtered frames. A frame of the carrier (the
stored sentence) is called a carrier frame; there are `n` of them, and `m` frames in what is made.

The stored sentences, each as source-filter frames of one neutral voice.

A frame is 12.5 ms of speech taken apart into what the vocal folds do (the pitch) and what the mouth does to it (a
spectral envelope for the voiced part, another for the noise): the source-filter model of Fant (1960).

The frames were made with hibari-tts 0.2.1 by Maureese Williams (https://github.com/MMWilliams/hibari, Apache-2.0),
whose network predicts such frames, in its voice "heart", distilled from Kokoro-82M (Apache-2.0).
`tools/make_frames.py` makes them again. `frames.npz` holds eleven sentences as 8-bit log magnitudes at 101
frequencies. `lines.npz` (1.9 MB) holds the sentences of `lines.toml` in coarser steps, the noise at 26 frequencies, and
each frame as the change from the one before, which packs better. `calls.npz` (0.4 MB) does so with the sentences of
`calls.toml`, the harmonics at every second frequency: a telephone passes on no more. `german.npz` is like `lines.npz`.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.fft
from scipy.signal import find_peaks

from ser_helpers.errors import CorpusError
from ser_helpers.synthesis.rng import slow_noise

SAMPLE_RATE = 16_000
HOP = 200  # samples between frames: 12.5 ms
WINDOW = 800  # samples of a frame: 50 ms, so that bins are 20 Hz apart
FREQUENCIES = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
LOWEST_VOICE = 60  # Hz; what is stored below it is unvoiced
STEPS_PER_NEPER = 8  # 8-bit steps: 1.1 dB each
LINE_STEPS_PER_NEPER = 4
EVERY_NOISE = 4  # of the frequencies at which harmonics are stored, the noise of a line has every fourth
EVERY_CALL = 2  # and the harmonics of a sentence of a call every second

STATEMENTS = {1: "Kids are talking by the door.", 2: "Dogs are sitting by the door."}  # RAVDESS's two
STORE = Path(__file__).with_name("frames.npz")
LINES = Path(__file__).with_name("lines.npz")
CALLS = Path(__file__).with_name("calls.npz")
GERMAN = Path(__file__).with_name("german.npz")


class Frames(NamedTuple):
    """One sentence in a neutral voice, `n` frames long."""

    f0: np.ndarray  # (n,) pitch in Hz, 0 where unvoiced
    harmonics: np.ndarray  # (n, 401) natural logarithm of the voiced part's magnitude at FREQUENCIES
    noise: np.ndarray  # (n, 401) the same for the noise


def sentences():
    """The sentences that can be spoken, in the order in which they are stored.

    >>> sentences()[:2]
    ['Kids are talking by the door.', 'Dogs are sitting by the door.']
    """
    return list(_packed())


def carrier(statement):
    """The frames of a sentence, by its text or by RAVDESS's statement number (1 or 2).

    Raises CorpusError when the sentence is not stored.

    >>> carrier(1).f0.shape
    (113,)
    """
    text = STATEMENTS.get(statement, statement)
    if text not in _packed():
        known = "; ".join(f"{number} ({text!r})" for number, text in STATEMENTS.items())
        raise CorpusError(
            f"There are no frames for the statement {statement!r}: choose {known}, or the text of one of the"
            f" {len(sentences())} in synthesis.sentences()."
        )
    return _unpacked(text)


@cache
def _unpacked(text):
    f0, harmonics, noise = _packed()[text]
    return Frames(np.where(f0 > LOWEST_VOICE, f0, 0), _full(*harmonics), _full(*noise))


@cache
def _packed():
    """{sentence: its pitch, and the steps, steps per neper and frequencies of its harmonics and of its noise}."""
    with np.load(STORE) as store:
        grid = store["grid"]
        count = sum(name.startswith("text") for name in store.files)
        packed = {
            str(store[f"text{k}"]): (
                store[f"f0_{k}"].astype(np.float32),
                (store[f"h_{k}"], STEPS_PER_NEPER, grid),
                (store[f"n_{k}"], STEPS_PER_NEPER, grid),
            )
            for k in range(count)
        }
    for path, every in ((LINES, 1), (CALLS, EVERY_CALL), (GERMAN, 1)):
        packed |= _lines(path, grid[::every], grid[::EVERY_NOISE])
    return packed


def _lines(path, grid, noise_grid):
    with np.load(path) as store:
        parts = [np.split(store[name], store["ends"][:-1]) for name in ("f0", "harmonics", "noise")]
        texts = store["texts"]
    return {
        str(text): (
            f0.astype(np.float32),
            (np.cumsum(harmonics, 0, np.int8), LINE_STEPS_PER_NEPER, grid),
            (np.cumsum(noise, 0, np.int8), LINE_STEPS_PER_NEPER, noise_grid),
        )
        for text, f0, harmonics, noise in zip(texts, *parts, strict=True)
    }


def _full(steps, per_neper, grid):
    bins = np.arange(len(FREQUENCIES))
    return np.stack([np.interp(bins, grid, row) for row in steps / per_neper]).astype(np.float32)


OCTAVES = np.log2(np.maximum(FREQUENCIES, 500) / 500)
DB = np.log(10) / 20  # one decibel, as a natural logarithm of magnitude
HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
REFERENCE_DB = -36  # level of neutral speech, dBFS: RAVDESS's own
PAUSE_GAIN = 0.05
FINAL_FALL = -5  # semitones by which a statement falls at its end
LOWEST_HZ, HIGHEST_HZ = 60, 600


def render(frames, speaker, performance, rng):
    """Speak a sentence: (k,) float32 at 16 kHz, without silence around it, peaks not yet limited.

    `frames` is a `frames.Frames`, `speaker` a `speakers.Speaker`, `performance` a `prosody.Performance`; `rng` decides
    the rest.

    >>> from ser_helpers.synthesis.prosody import performance
    >>> from ser_helpers.synthesis.rng import make_rng
    >>> from ser_helpers.synthesis.voices import speaker
    >>> rng, actor = make_rng("example"), speaker(1)
    >>> render(carrier(1), actor, performance(actor, "angry", 2, rng), rng).ndim
    1
    """
    cues = performance.cues
    loudness = _loudness(frames)
    spoken = frames.f0 > 0
    voiced = _keep_voice(spoken, loudness, cues.whisper)
    position, paused = _timing(voiced, loudness, speaker.rate * cues.dur, cues.pause, rng)
    stress = _stress(loudness, position, rng)
    hz = _pitch(frames.f0, voiced, position, stress, speaker, cues, rng)
    voicing = _at(position, voiced) > 0.5
    whispered = _at(position, spoken & ~voiced)
    harmonics, noise = _spectrum(frames, position, voicing, whispered, stress, np.median(hz), speaker, performance, rng)
    pulses = _source(hz, voicing, speaker, cues, rng)
    y = _overlap_add(pulses, harmonics, noise, np.where(paused, PAUSE_GAIN, 1), rng)
    return _set_level(y, REFERENCE_DB + speaker.db + cues.db)


def _loudness(frames):
    """(n,) log magnitude between 300 Hz and 3 kHz, smoothed: its peaks are syllables."""
    magnitude = np.logaddexp(frames.harmonics, frames.noise)[:, 15:150].mean(1)
    return np.convolve(magnitude, np.ones(7) / 7, "same")


def _keep_voice(spoken, loudness, whisper):
    """Which carrier frames stay voiced when the weakest share `whisper` of them loses its voice."""
    return spoken & (loudness >= np.quantile(loudness[spoken], whisper))


def _timing(voiced, loudness, rate, pause, rng):
    """Where in the carrier each frame comes from, and which frames are paused, both (m,).

    Vowels stretch more than consonants, and the weakest moment inside the sentence may become a pause.
    """
    n, pause = len(voiced), pause if pause > 0.04 else 0
    duration = np.where(voiced, rate, 1 + 0.6 * (rate - 1)) * (1 + 0.15 * slow_noise(n, 12, rng))
    weakest = n // 5 + loudness[n // 5 : n * 4 // 5].argmin()
    duration[weakest] += pause * SAMPLE_RATE / HOP
    time = np.cumsum(duration) - duration[0]
    position = np.interp(np.arange(int(time[-1]) + 1), time, np.arange(n))
    paused = (position > weakest - 1) & (position < weakest) & (pause > 0)
    return position, paused


def _at(position, values):
    """Values of the carrier's frames at fractional positions."""
    return np.interp(position, np.arange(len(values)), values)


def _stress(loudness, position, rng):
    """(m,) a bump on each syllable, each of its own size, zero on average."""
    syllables = find_peaks(loudness, distance=9, prominence=0.3)[0]
    bumps = [rng.normal(1, 0.6) * np.exp(-0.5 * ((position - s) / 6) ** 2) for s in syllables]
    stress = sum(bumps, np.zeros(len(position)))
    return stress - stress.mean()


def _pitch(f0, voiced, position, stress, speaker, cues, rng):
    """(m,) pitch in Hz: the sentence's own melody, then accents, slope, final movement, wander and tremor."""
    m, n = len(position), len(f0)
    through = np.interp(np.arange(n), np.flatnonzero(voiced), f0[voiced])
    melody = np.clip(0.8 * _at(position, 12 * np.log2(through / np.median(f0[voiced]))), -5, 6)
    first, last = np.flatnonzero(_at(position, voiced) > 0.5)[[0, -1]]
    progress = (np.arange(m) - first) / (last - first)
    semitones = (
        cues.f0
        + cues.range * speaker.range * melody
        + cues.accent * stress
        + cues.slope * (progress - 0.5)
        + (FINAL_FALL + cues.final) * np.clip((progress - 0.6) / 0.25, 0, 1)
        + 0.5 * slow_noise(m, 20, rng)
        + cues.tremor * np.sin(2 * np.pi * rng.uniform(5, 8) * np.arange(m) * HOP / SAMPLE_RATE + rng.uniform(0, 6))
    )
    return np.clip(speaker.hz * 2 ** (semitones / 12), LOWEST_HZ, HIGHEST_HZ)


def _spectrum(frames, position, voicing, whispered, stress, hz, speaker, performance, rng):
    """Log magnitude of the harmonics and of the noise, both (m, 401), in this speaker's voice and emotion."""
    cues, colour = performance.cues, performance.colour
    scale = _formant_scale(speaker, cues)
    harmonics = _resample(frames.harmonics, position, scale)
    noise = _resample(frames.noise, position, scale)
    average = harmonics[voicing].mean(0)
    harmonics = average + cues.artic * (harmonics - average)

    shape = (
        (speaker.tilt + cues.tilt) * OCTAVES
        + np.interp(FREQUENCIES, np.linspace(0, SAMPLE_RATE / 2, len(colour)), colour)
        + (cues.narrow + 0.06 * cues.db) * np.exp(-0.5 * ((FREQUENCIES - 950) / 220) ** 2)
    )
    lax = (speaker.h1 + cues.h1) * np.exp(-((FREQUENCIES / (1.3 * hz)) ** 2))
    level = (0.5 * cues.accent * stress + 1.5 * slow_noise(len(position), 15, rng))[:, None]
    harmonics = harmonics + DB * (shape + lax + level)

    whisper = harmonics + DB * (4 * OCTAVES - 16) + np.log(whispered + 1e-6)[:, None]
    noise = np.logaddexp(noise, whisper)
    breath = harmonics + DB * np.minimum(speaker.breath + cues.breath + 3 * OCTAVES - 27, 3)
    in_voice = 0.5 * np.logaddexp(2 * (noise + DB * (shape + level) - 1), 2 * breath)
    between = noise + DB * (0.3 * shape + level - 0.2 * cues.db)
    return harmonics, np.where(voicing[:, None], in_voice, between)


def _formant_scale(speaker, cues):
    """(401,) factor on each frequency. Louder voices open the jaw, so F1 rises (Liénard & Di Benedetto 1999)."""
    jaw = 1 + 0.012 * cues.db * np.exp(-((FREQUENCIES / 1200) ** 2))
    return speaker.formants * cues.formants * jaw


def _resample(envelope, position, scale):
    """An (n, 401) envelope at other times and, its frequencies multiplied by `scale`, as (m, 401)."""
    n, bins = envelope.shape
    frame = np.minimum(position.astype(int), n - 2)
    along = (position - frame)[:, None].astype(np.float32)
    envelope = envelope[frame] * (1 - along) + envelope[frame + 1] * along
    wanted = np.clip(np.arange(bins) / scale, 0, bins - 1)
    low = np.minimum(wanted.astype(int), bins - 2)
    across = (wanted - low).astype(np.float32)
    return envelope[:, low] * (1 - across) + envelope[:, low + 1] * across


def _source(hz, voicing, speaker, cues, rng):
    """(m * 200,) band-limited pulses, one per vocal-fold cycle, with jitter, shimmer and creak."""
    m = len(hz)
    f0 = np.interp(np.arange(m * HOP), np.arange(m) * HOP, hz)
    cycles = int(f0.sum() / SAMPLE_RATE * 1.2) + 9
    jitter = 1 + 0.01 * max(speaker.jitter + cues.jitter, 0) * rng.normal(size=cycles)
    phase = np.cumsum(f0 * jitter[(np.cumsum(f0) / SAMPLE_RATE).astype(int)]) / SAMPLE_RATE
    shimmer = 10 ** (max(speaker.shimmer + cues.shimmer, 0) * rng.normal(size=cycles) / 20)
    creak = 1 - 0.5 * cues.creak * (np.arange(cycles) % 2)
    amplitude = (shimmer * creak)[phase.astype(int)]
    return (_pulse_train(phase, f0) * amplitude * np.repeat(voicing, HOP)).astype(np.float32)


def _pulse_train(phase, f0):
    """The sum of all cosines at multiples of f0 up to 7.6 kHz, in closed form (the Dirichlet kernel)."""
    x, order = 2 * np.pi * (phase % 1), np.floor(7600 / f0) + 0.5
    denominator = 2 * np.sin(x / 2)
    at_peak = np.abs(denominator) < 2e-3
    return np.where(at_peak, order, np.sin(order * x) / np.where(at_peak, 1, denominator)) - 0.5


def _overlap_add(pulses, harmonics, noise, gain, rng):
    """Filter pulses by the harmonics' envelope and white noise by the noise's, frame by frame, and join them."""
    m, bins = harmonics.shape
    pulses = np.pad(pulses, WINDOW // 2)
    pieces = np.lib.stride_tricks.sliding_window_view(pulses, WINDOW)[::HOP][:m]
    voice = scipy.fft.rfft(pieces * (HANN / (WINDOW / 4)))
    white = rng.standard_normal((m, 2 * bins), np.float32).view(np.complex64)
    spectra = (voice * np.exp(harmonics) + white * np.exp(noise)) * gain[:, None]
    pieces = scipy.fft.irfft(spectra.astype(np.complex64)) * HANN
    out = np.zeros((m + WINDOW // HOP - 1) * HOP, np.float32)
    for start in range(0, WINDOW, HOP):
        out[start : start + m * HOP] += pieces[:, start : start + HOP].ravel()
    return out


def _set_level(y, db):
    """Scale so that the sounding part has this RMS level in dBFS."""
    sounding = np.sqrt(np.mean(y[np.abs(y) > 0.05 * np.abs(y).max()] ** 2))
    return (y / sounding * 10 ** (db / 20)).astype(np.float32)
