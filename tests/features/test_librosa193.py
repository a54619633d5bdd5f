import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio, corpora, features, synthesis
from ser_helpers.errors import AudioError

SR = 22050


def brute_force_median(values, size, mode):
    """As scipy's, which reads beyond the array when it is much shorter than the window (seen in 1.17, 3 frames)."""
    assert mode == "reflect"
    padded = np.pad(values, [(width // 2, width // 2) for width in size], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size).reshape(*values.shape, max(size))
    return np.sort(windows)[..., max(size) // 2]


@pytest.fixture
def recipe(monkeypatch):
    """The recipe in librosa's own words, apart from its median filter, which is spelt out."""
    monkeypatch.setattr(librosa.decompose, "median_filter", brute_force_median)
    return plain_librosa


def plain_librosa(y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        stft = np.abs(librosa.stft(y))
        return np.hstack(
            [
                np.mean(librosa.feature.mfcc(y=y, sr=SR, n_mfcc=40).T, axis=0),
                np.mean(librosa.feature.chroma_stft(S=stft, sr=SR).T, axis=0),
                np.mean(librosa.feature.melspectrogram(y=y, sr=SR).T, axis=0),
                np.mean(librosa.feature.spectral_contrast(S=stft, sr=SR).T, axis=0),
                np.mean(librosa.feature.tonnetz(y=librosa.effects.harmonic(y), sr=SR).T, axis=0),
            ]
        )


def assert_same(fast, plain):
    assert fast.shape == (193,)
    assert fast.dtype == np.float64
    assert np.isfinite(fast).all()
    np.testing.assert_allclose(fast, plain, rtol=0, atol=1e-5 * np.abs(plain).max())


def synthetic_signals():
    """200 clips of 25 to 100 ms: noise, tones, clicks, silence, harmonics, beginnings out of nothing."""
    rng = np.random.default_rng(193)
    for samples in np.linspace(SR // 40, SR // 10, 25).astype(int):
        t = np.arange(samples) / SR
        clicks = np.zeros(samples)
        clicks[rng.integers(0, samples, 3)] = 1
        yield rng.normal(size=samples)
        yield 1e-5 * rng.normal(size=samples)
        yield np.sin(2 * np.pi * rng.uniform(60, 4000) * t)
        yield clicks
        yield np.zeros(samples)
        yield np.full(samples, 0.3)
        yield sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 20)) * np.hanning(samples)
        yield np.where(t < t.mean(), 0, rng.normal(size=samples))


def test_equals_the_plain_recipe_on_200_short_signals(recipe):
    clips = [y.astype(np.float32) for y in synthetic_signals()]
    assert len(clips) == 200
    for y in clips:
        assert_same(features.vector193(y, SR), recipe(y))


@pytest.mark.parametrize("actor", range(1, 25))
def test_equals_the_plain_recipe_on_speech(actor):
    y = audio.resample(*synthesis.say(1 + actor % 2, actor, corpora.EMOTIONS[actor % 8]), SR)
    assert_same(features.vector193(y, SR), plain_librosa(y))


@pytest.mark.filterwarnings("ignore:n_fft")
def test_the_plain_recipe_is_the_plain_recipe():
    y = audio.resample(*synthesis.say(), SR)
    np.testing.assert_allclose(features.vector193_plain(y, SR), plain_librosa(y), rtol=1e-6)


@pytest.mark.real
def test_equals_the_plain_recipe_on_300_real_clips(real_clips):
    for path in real_clips:
        y = audio.load(path, SR)
        assert_same(features.vector193(y, SR), plain_librosa(y))


def test_other_sample_rates_are_resampled_first():
    y, sr = synthesis.say()
    assert sr != SR
    np.testing.assert_array_equal(features.vector193(y, sr), features.vector193(audio.resample(y, sr, SR), SR))


def test_difficult_recordings_give_finite_numbers_without_a_warning(difficult):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(features.vector193(*difficult)).all()


@settings(max_examples=5, deadline=None)
@given(st.floats(0.05, 2))
def test_gain_moves_only_loudness(gain):
    y, sr = synthesis.say()
    before, after = (
        dict(zip(features.names("vector193"), features.vector193(x, sr), strict=True)) for x in (y, gain * y)
    )
    for name, value in before.items():
        if name.startswith("mel_"):
            assert after[name] == pytest.approx(value * gain**2, rel=1e-4)
        if name.startswith(("chroma_", "tonnetz_")):
            assert after[name] == pytest.approx(value, abs=1e-3)


def test_names_say_what_the_numbers_are():
    names = features.names("vector193")
    groups = {
        group: [name for name in names if name.startswith(group)]
        for group in ("mfcc", "chroma", "mel", "contrast", "tonnetz")
    }
    assert {group: len(members) for group, members in groups.items()} == {
        "mfcc": 40,
        "chroma": 12,
        "mel": 128,
        "contrast": 7,
        "tonnetz": 6,
    }
    t = np.arange(SR) / SR
    a_note = dict(zip(names, features.vector193(np.sin(2 * np.pi * 440 * t), SR), strict=True))
    assert max(groups["chroma"], key=a_note.get) == "chroma_A"
    loudest = librosa.mel_frequencies(130, fmax=SR / 2)[int(max(groups["mel"], key=a_note.get)[4:])]
    assert loudest == pytest.approx(440, abs=30)


@pytest.mark.parametrize("function", [features.vector193, features.vector193_plain])
def test_refuses_what_is_no_recording(function):
    with pytest.raises(AudioError, match="shape"):
        function(np.zeros((2, SR)), SR)
    with pytest.raises(AudioError, match="25 ms"):
        function(np.zeros(SR // 41), SR)
    with pytest.raises(AudioError, match="NaN"):
        function(np.full(SR, np.nan), SR)
