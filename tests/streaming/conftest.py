"""Cheap stand-ins: a model of loudness, and a voice activity detector that is stateful, as the real one is."""

import numpy as np
import pytest


class Loudness:
    """Probabilities that change with every sample of the window."""

    classes_ = np.array(["angry", "neutral", "sad"])

    def predict_proba(self, windows):
        level = np.sqrt(np.mean(np.square(windows, dtype=np.float64), axis=1))
        change = np.mean(np.abs(np.diff(windows, axis=1)), axis=1, dtype=np.float64)
        scores = np.stack([level + 1e-6, change + 1e-6, np.full(len(windows), 0.05)], axis=1)
        return scores / scores.sum(axis=1, keepdims=True)


class LevelDetector:
    """Speech wherever the frame is louder than a decaying maximum of those before."""

    threshold = 0.5

    def __init__(self):
        self.reset()

    def reset(self):
        self._memory = np.float32(0)

    def feed(self, y):
        is_speech = []
        for frame in np.asarray(y, np.float32)[: len(y) // 512 * 512].reshape(-1, 512):
            level = np.abs(frame).max()
            is_speech.append(float(level > 0 and level > 0.3 * self._memory))
            self._memory = max(level, np.float32(0.9) * self._memory)
        return np.array(is_speech)


@pytest.fixture
def model():
    return Loudness()


@pytest.fixture
def vad():
    return LevelDetector()


@pytest.fixture(scope="session")
def speechlike():
    """Nine seconds that swell and fade, with a silence in them, at a rate of `sr` Hz."""

    def make(sr, seconds=9.0, channels=None, seed=0):
        rng = np.random.default_rng(seed)
        time = np.arange(int(seconds * sr)) / sr
        y = np.sin(2 * np.pi * (150 + 40 * np.sin(time)) * time) * (0.3 + 0.2 * np.sin(2 * np.pi * 0.37 * time))
        y = (y + rng.normal(0, 0.02, len(time))) * ((time < 3.5) | (time > 5.2))
        if channels:
            y = np.stack([y * gain for gain in np.linspace(1, 0.3, channels)], axis=1)
        return y.astype(np.float32)

    return make
