"""The checkers of Lesson 01's exercises."""

import numpy as np

from ser_helpers import audio
from ser_helpers.course.checks import Hint, exercise


@exercise(
    "01.1",
    wrong=[
        lambda hz, sr: hz,
        lambda hz, sr: min(hz, sr / 2),
        lambda hz, sr: hz % sr,
        lambda hz, sr: sr - hz,
        lambda hz, sr: abs(hz - sr),
        lambda hz, sr: -((hz + sr / 2) % sr - sr / 2),
    ],
)
def heard_frequency(answer):
    """The frequency at which a sampled tone is heard."""
    if answer(3000, 8000) != 3000:
        raise Hint("3000 Hz sampled at 8000 Hz lies below half the rate, so it is heard as it is: 3000.")
    if answer(5000, 8000) == 5000:
        raise Hint("5000 Hz sampled at 8000 Hz cannot be heard as 5000: no frequency above 4000 Hz comes back.")
    if answer(5000, 8000) == 4000:
        raise Hint("Frequencies above half the rate do not stop there: they turn back. 5000 lies 1000 above 4000.")
    if answer(5000, 8000) != 3000:
        raise Hint("5000 Hz sampled at 8000 Hz is heard as 3000, as in the figure: positive, and below 4000.")
    if answer(9000, 8000) != 1000:
        raise Hint("9000 Hz sampled at 8000 Hz has gone up to 4000, down to 0 and up again, to 1000.")
    for hz, heard in ((8000, 0), (13000, 3000), (23000, 1000)):
        if answer(hz, 8000) != heard:
            raise Hint(f"{hz} Hz sampled at 8000 Hz is heard as {heard}: the pattern repeats every 8000 Hz.")


def _tone(hz, sr=48_000):
    return np.sin(2 * np.pi * hz * np.arange(sr) / sr)


def _third(y):
    return y[::3]


def _block_means(y):
    return y.reshape(-1, 3).mean(axis=1)


def _interpolate(y):
    return np.interp(np.arange(0, len(y), 3), np.arange(len(y)), y)


@exercise(
    "01.2",
    wrong=[
        _third,
        _block_means,
        _interpolate,
        lambda y: y,
        lambda y: 0 * y[::3],
        lambda y: audio.resample(y, 48_000, 8_000),
    ],
)
def to_16k(answer):
    """48 kHz to 16 kHz without aliases."""
    quiet, loud = (np.asarray(answer(_tone(hz)), dtype=float) for hz in (10_000, 1_000))
    if len(loud) != 16_000:
        raise Hint(f"One second at 48 kHz must become 16000 samples, not {len(loud)}.")
    quiet, loud = (np.sqrt(2 * np.mean(tone[1_000:15_000] ** 2)) for tone in (quiet, loud))
    if quiet > 0.01:
        raise Hint(f"A tone of 10 kHz comes out as an alias with {quiet:.0%} of its amplitude: filter it away first.")
    if not np.isclose(loud, 1, atol=0.05):
        raise Hint("A tone of 1 kHz lies far below 8 kHz: it must come out as strong as it went in.")


@exercise(
    "01.3",
    wrong=[
        lambda y, db: y * 10 ** (db / 10),
        lambda y, db: y * db,
        lambda y, db: y + db,
        lambda y, db: y * 10 ** (-db / 20),
        lambda y, db: y * np.exp(db / 20),
        lambda y, db: audio.normalise(y, level=db),
    ],
)
def amplify(answer):
    """Change a level by some decibels."""
    y = 0.1 * _tone(100)
    gains = {db: np.asarray(answer(y, db)) @ y / (y @ y) for db in (20, -20, 0)}
    if np.isclose(gains[20], 100):
        raise Hint("20 dB became a factor of 100: that is the ratio of powers. Amplitudes take 10 ** (db / 20).")
    if np.isclose(gains[20], 20):
        raise Hint("You multiplied by the decibels. A ratio comes back from a logarithm by a power: 10 ** ...")
    if np.isclose(gains[20], 0.1):
        raise Hint("20 dB must be ten times louder, and yours is ten times softer: look at the sign.")
    if not np.allclose(answer(y, 0), y):
        raise Hint("0 dB is a ratio of 1: the sound must come back as it was. Multiply, and do not add or normalise.")
    if not np.isclose(gains[20], 10) or not np.isclose(gains[-20], 0.1):
        raise Hint(f"20 dB more is 10 times the amplitude; yours is {gains[20]:.2f} times.")


def _filters(hz, edges):
    """Triangles over the frequencies `hz`: from one edge up to 1 at the next, and down to the one after."""
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.clip(np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak)), 0, None)


def _mel_edges(bands, highest):
    return 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + highest / 700), bands + 2) / 2595) - 1)


def _linear(hz, bands):
    return _filters(hz, np.linspace(0, hz[-1], bands + 2))


def _unclipped(hz, bands):
    low, peak, high = (_mel_edges(bands, hz[-1])[k : bands + k, None] for k in range(3))
    return np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak))


def _boxes(hz, bands):
    return (_filters(hz, _mel_edges(bands, hz[-1])) > 0).astype(float)


def _few_edges(hz, bands):
    return _filters(hz, _mel_edges(bands - 2, hz[-1]))


@exercise(
    "01.4", wrong=[_linear, _unclipped, _boxes, _few_edges, lambda hz, bands: _filters(hz, _mel_edges(bands, hz[-1])).T]
)
def mel_filters(answer):
    """Triangular filters on the mel scale, against librosa's."""
    import librosa

    for sr, size, bands in ((16_000, 400, 20), (22_050, 1024, 40)):
        hz = np.fft.rfftfreq(size, 1 / sr)
        wanted = librosa.filters.mel(sr=sr, n_fft=size, n_mels=bands, htk=True, norm=None)
        given = np.asarray(answer(hz, bands), dtype=float)
        if given.shape != wanted.shape:
            raise Hint(f"The shape must be (bands, frequencies) = {wanted.shape}, not {given.shape}: bands + 2 edges.")
        if given.min() < -1e-9:
            raise Hint("Outside its triangle a filter is 0: yours goes below.")
        if np.allclose(given, _linear(hz, bands), atol=1e-6):
            raise Hint("Your triangles are equally wide in Hz: space the edges equally in mel, then turn them into Hz.")
        if np.abs(given - wanted).max() > 1e-3:
            raise Hint("Each triangle rises from 0 at one edge to 1 at the next and falls to 0 at the one after.")
