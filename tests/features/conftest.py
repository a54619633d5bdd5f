import numpy as np
import pandas as pd
import pytest
import soundfile

SR = 16000


def _noise(samples, seed=0):
    return 0.1 * np.random.default_rng(seed).normal(size=samples)


def _tone(hertz, seconds, sr=SR):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * sr)) / sr)


DIFFICULT = {
    "silence": (np.zeros(SR), SR),
    "silence of 25 ms": (np.zeros(SR // 40), SR),
    "constant": (np.full(SR, 0.5), SR),
    "constant of 25 ms at 44.1 kHz": (np.full(44100 // 40, 0.5), 44100),
    "noise of 25 ms": (_noise(SR // 40), SR),
    "noise of 59 ms": (_noise(944), SR),
    "tone of 100 ms": (_tone(200, 0.1), SR),
    "8 kHz": (_tone(200, 0.5, 8000) + _noise(4000), 8000),
    "25 ms at 8 kHz": (_noise(200), 8000),
    "48 kHz": (_noise(24000), 48000),
    "one click": ((np.arange(SR) == 8000).astype(float), SR),
    "very quiet": (1e-6 * _noise(SR), SR),
    "clipped": (np.sign(_tone(150, 0.5)), SR),
    "silence then noise": (np.concatenate([np.zeros(SR), _noise(SR)]), SR),
}


@pytest.fixture(params=DIFFICULT.values(), ids=DIFFICULT)
def difficult(request):
    """A recording that breaks careless code, as (y, sr)."""
    return request.param


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of the feature cache, empty and only for this test."""
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def table(tmp_path, cache):
    """Makes an utterance table of that many short recordings, each a noisy tone."""

    def make(rows=4):
        paths = [str(tmp_path / f"{row}.wav") for row in range(rows)]
        for row, path in enumerate(paths):
            soundfile.write(path, _tone(100 + 50 * row, 0.3) + 0.1 * _noise(4800, row), SR)
        index = pd.Index([f"toy/{row}" for row in range(rows)], name="utterance")
        return pd.DataFrame({"path": paths, "start": np.nan, "end": np.nan}, index=index)

    return make


@pytest.fixture(scope="session")
def real_clips():
    """Paths of 300 real RAVDESS clips, spread over all actors."""
    from ser_helpers import paths

    clips = sorted(path for path in paths.data_home().rglob("03-01-*") if path.suffix in (".wav", ".flac"))
    if len(clips) < 1440:
        pytest.skip("SER_DATA_HOME holds no RAVDESS")
    return clips[:: len(clips) // 300][:300]
