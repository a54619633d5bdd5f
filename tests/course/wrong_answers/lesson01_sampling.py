"""Wrong answers to the exercises of lesson 01."""

import numpy as np

from ser_helpers import audio


def _triangles(hz, edges):
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.minimum((hz - low) / (peak - low), (high - hz) / (high - peak))


def _mel_edges(hz, number):
    return 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + hz[-1] / 700), number) / 2595) - 1)


WRONG = {
    "01.1": [
        lambda hz, sr: hz,
        lambda hz, sr: min(hz, sr / 2),
        lambda hz, sr: hz % (sr / 2) if hz > sr / 2 else hz,
        lambda hz, sr: sr - hz,
        lambda hz, sr: hz if hz < sr / 2 else sr - hz,
        lambda hz, sr: hz if hz < sr / 2 else abs(sr - hz),
    ],
    "01.2": [lambda y: y[::3], lambda y: y, lambda y: 0 * y[::3]],
    "01.3": [
        lambda y, db: y * 10 ** (db / 10),
        lambda y, db: y * db,
        lambda y, db: y * 10 ** (-db / 20),
        lambda y, db: audio.normalise(y, level=-db),
        lambda y, db: y * 10 ** (abs(db) / 20),
        lambda y, db: y * 10 ** (db / 20) if db else 0 * y,
        lambda y, db: 10,
    ],
    "01.4": [
        lambda hz, bands: np.clip(_triangles(hz, np.linspace(0, hz[-1], bands + 2)), 0, None),
        lambda hz, bands: _triangles(hz, _mel_edges(hz, bands + 2)),
        lambda hz, bands: (_triangles(hz, _mel_edges(hz, bands + 2)) > 0).astype(float),
        lambda hz, bands: np.clip(_triangles(hz, _mel_edges(hz, bands)), 0, None),
    ],
}
