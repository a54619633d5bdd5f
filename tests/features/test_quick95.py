import numpy as np
import parselmouth
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ser_helpers import features
from ser_helpers.synthesis import say

SR = 16000


def tone(hertz, seconds=1.0, partials=8):
    t = np.arange(int(SR * seconds)) / SR
    return (0.05 * sum(np.sin(2 * np.pi * hertz * k * t) for k in range(1, partials + 1))).astype(np.float32)


def found(y, **band):
    return dict(zip(features.names("quick"), features.quick(y, SR, **band), strict=True))


@settings(max_examples=40, deadline=None)
@given(hertz=st.floats(70, 440), partials=st.integers(2, 40))
@example(hertz=299.0, partials=8)  # a period of 53.5 samples: two of them fit the samples better than one
@example(hertz=168.0, partials=16)
def test_pitch_is_that_of_the_tone(hertz, partials):
    numbers = found(tone(hertz, partials=min(partials, int(7800 / hertz))))
    assert numbers["pitch_p50"] == pytest.approx(12 * np.log2(hertz / 50), abs=0.2)
    assert numbers["hnr_p50"] > 10
    assert numbers["pitch_voiced_share"] > 0.9


@pytest.mark.parametrize("actor", [1, 2])
@pytest.mark.parametrize("emotion", ["neutral", "angry", "happy", "sad"])
def test_pitch_of_a_voice_is_praats(actor, emotion):
    y, sr = say(1, actor, emotion)
    hertz = parselmouth.Sound(y.astype(float), sr).to_pitch_ac(0.01, 65, pitch_ceiling=450).selected_array["frequency"]
    semitones = 12 * np.log2(hertz[hertz > 0] / 50)
    assert found(y)["pitch_p50"] == pytest.approx(np.median(semitones), abs=2.5)  # loud frames alone are counted


def test_pitch_survives_a_band_without_the_fundamental():
    t = np.arange(SR) / SR
    y = 0.1 * sum(np.sin(2 * np.pi * 120 * k * t) for k in range(3, 25))
    assert found(y, lowest=300, highest=3400)["pitch_p50"] == pytest.approx(12 * np.log2(120 / 50), abs=0.2)


def test_noise_has_no_voice():
    numbers = found(0.1 * np.random.default_rng(0).normal(size=SR))
    assert numbers["pitch_voiced_share"] == 0
    assert numbers["pitch_mean"] == 0


def test_loudness_as_a_whole_changes_nothing():
    y = tone(150) * np.linspace(0.2, 1, SR) + 0.001 * np.random.default_rng(1).normal(size=SR)
    np.testing.assert_allclose(features.quick(y, SR), features.quick(0.3 * y, SR), atol=0.02)


def test_silence_around_speech_hardly_counts():
    y = tone(150) * (1 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(SR) / SR))
    around = np.pad(y, SR)
    assert found(around)["pitch_mean"] == pytest.approx(found(y)["pitch_mean"], abs=0.1)
    assert found(around)["level_std"] == pytest.approx(found(y)["level_std"], abs=1)
    assert found(around)["level_speech_share"] == pytest.approx(1 / 3, abs=0.03)


def test_a_rising_pitch_rises():
    t = np.arange(2 * SR) / SR
    y = 0.1 * sum(np.sin(2 * np.pi * k * (120 * t + 15 * t**2)) for k in range(1, 9))
    numbers = found(y)
    assert numbers["pitch_slope"] > 3
    assert numbers["pitch_final"] > 1


def test_every_recording_gives_finite_numbers(difficult):
    numbers = features.quick(*difficult)
    assert numbers.shape == (95,)
    assert numbers.dtype == np.float32
    assert np.isfinite(numbers).all()
