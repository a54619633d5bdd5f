"""Checkers of lesson 01: aliases, resampling, decibels, mel filters."""

import numpy as np

from ser_helpers.course.checks import Hint, as_array, exercise, expect


@exercise("01.1")
def alias_frequency(answer):
    """The frequency at which a sampled tone comes back."""
    expect(answer(3000, 8000), 3000, "Sampled at 8000 Hz, 3000 Hz stays 3000 Hz: it is below half the sample rate.")
    expect(
        answer(5000, 8000),
        3000,
        "Sampled at 8000 Hz, 5000 Hz becomes 3000 Hz: it is reflected at 4000 Hz.",
        (5000, "Sampled at 8000 Hz, 5000 Hz cannot come back: no frequency above 4000 Hz does."),
        (4000, "Frequencies above half the sample rate do not stop there but are reflected; 5000 is 1000 above 4000."),
    )
    expect(answer(9000, 8000), 1000, "At 8000 Hz, 9000 Hz is reflected at 4000 Hz and again at 0 Hz: up to 1000 Hz.")
    for hz, wanted in ((8000, 0), (13000, 3000), (23000, 1000)):
        expect(answer(hz, 8000), wanted, f"At 8000 Hz, {hz} Hz becomes {wanted} Hz: the pattern repeats every 8000 Hz.")


def _tone(hz, sr=48_000):
    return np.sin(2 * np.pi * hz * np.arange(sr) / sr)


@exercise("01.2")
def to_16k(answer):
    """48 kHz to 16 kHz without aliases."""
    amplitude = {}
    for hz in (10_000, 1_000):
        y = as_array(answer(_tone(hz)), (16_000,), "One second at 48 kHz becomes one second at 16 kHz.")
        amplitude[hz] = np.sqrt(2 * np.mean(y[1_000:15_000] ** 2))
    if amplitude[10_000] > 0.01:
        raise Hint(f"A tone of 10 kHz comes back as an alias, {amplitude[10_000]:.0%} as strong: filter it out first.")
    if abs(amplitude[1_000] - 1) > 0.05:
        raise Hint(f"A tone of 1 kHz must keep its amplitude; yours keeps {amplitude[1_000]:.0%} of it.")


@exercise("01.3")
def amplify(answer):
    """A sound at a level some decibels higher."""
    y = 0.1 * _tone(100)
    for db in (20, -20):
        louder = as_array(answer(y, db), y.shape, "The sound keeps its length.")
        expect(
            louder @ y / (y @ y),
            10 ** (db / 20),
            f"{db} dB is {10 ** (db / 20):g} times the amplitude: multiply by a power of 10; do not add or normalise.",
            (10 ** (db / 10), f"For {db} dB, that is the ratio of powers. Amplitudes take 10 ** (db / 20)."),
            (db, "You multiplied by the decibels. The inverse of the logarithm is a power: 10 ** ..."),
            (10 ** (-db / 20), f"{db} dB must be {10 ** (db / 20):g} times the amplitude: check the sign."),
        )
    expect(answer(y, 0), y, "0 dB is a ratio of 1: the sound must not change.")


@exercise("01.4")
def mel_filters(answer):
    """Triangular filters on the mel scale, against librosa's."""
    import librosa

    for sr, size, bands in ((16_000, 400, 20), (22_050, 1024, 40)):
        hz = np.fft.rfftfreq(size, 1 / sr)
        wanted = librosa.filters.mel(sr=sr, n_fft=size, n_mels=bands, htk=True, norm=None)
        found = as_array(answer(hz, bands), wanted.shape, "Rows are bands, columns are frequencies: bands + 2 edges.")
        if found.min() < -1e-9:
            raise Hint(f"Outside its triangle a filter is 0; yours falls to {found.min():.3g}.")
        edges = np.linspace(0, hz[-1], bands + 2)
        if np.allclose(found, [np.interp(hz, edges[k : k + 3], [0, 1, 0]) for k in range(bands)], atol=1e-6):
            raise Hint("Your triangles are equally wide in Hz: space the edges equally in mel, then convert to Hz.")
        if np.abs(found - wanted).max() > 1e-3:
            raise Hint("Each triangle rises from 0 at one edge to 1 at the next and falls to 0 at the one after.")
