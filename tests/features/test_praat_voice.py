import warnings

import numpy as np
import parselmouth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parselmouth.praat import call
from scipy.signal import lfilter

from ser_helpers import features, synthesis
from ser_helpers.errors import AudioError

SR = 16000


def voice(y, sr=SR):
    return dict(zip(features.names("voice"), features.voice_quality(y, sr), strict=True))


def pulses(periods, amplitudes=None):
    """A train of narrow smooth pulses, `periods` seconds apart, each with its amplitude."""
    times = 0.05 + np.cumsum(periods)
    amplitudes = np.ones(times.size) if amplitudes is None else amplitudes
    t = np.arange(int((times[-1] + 0.05) * SR)) / SR
    y = np.zeros(t.size)
    for time, amplitude in zip(times, amplitudes, strict=True):
        near = slice(max(0, int((time - 0.002) * SR)), int((time + 0.002) * SR))
        y[near] += amplitude * np.exp(-(((t[near] - time) / 0.0004) ** 2))
    return 0.5 * y


def test_a_regular_pulse_train_has_no_jitter_and_no_shimmer():
    values = voice(pulses(np.full(200, 1 / 200)))
    assert values["jitter_local"] < 0.001
    assert values["shimmer_local"] < 0.005
    assert values["hnr_mean_db"] > 30


@pytest.mark.parametrize("jitter", [0.005, 0.01, 0.02])
def test_jitter_of_irregular_periods(jitter):
    periods = (1 + jitter * np.random.default_rng(0).normal(size=300)) / 150
    values = voice(pulses(periods))
    assert values["jitter_local"] == pytest.approx(np.abs(np.diff(periods)).mean() / periods.mean(), rel=0.1)
    middle = periods[1:-1] - (periods[:-2] + periods[1:-1] + periods[2:]) / 3
    assert values["jitter_rap"] == pytest.approx(np.abs(middle).mean() / periods.mean(), rel=0.1)


@pytest.mark.parametrize("shimmer", [0.02, 0.05, 0.1])
def test_shimmer_of_uneven_amplitudes(shimmer):
    heights = 1 + shimmer * np.random.default_rng(0).normal(size=300)
    values = voice(pulses(np.full(300, 1 / 150), heights))
    assert values["shimmer_local"] == pytest.approx(np.abs(np.diff(heights)).mean() / heights.mean(), rel=0.1)
    decibels = np.abs(np.diff(20 * np.log10(heights))).mean()
    assert values["shimmer_local_db"] == pytest.approx(decibels, rel=0.1)


@pytest.mark.parametrize("hnr", [5, 10, 20])
def test_hnr_of_a_tone_in_noise(hnr):
    tone = np.sin(2 * np.pi * 200 * np.arange(2 * SR) / SR)
    noise = np.random.default_rng(0).normal(size=tone.size) * np.sqrt(0.5) * 10 ** (-hnr / 20)
    assert voice(0.1 * (tone + noise))["hnr_mean_db"] == pytest.approx(hnr, abs=1)


@pytest.mark.parametrize("formants", [(700, 1200, 2600), (300, 2300, 3000), (350, 900, 2400)])
def test_formants_of_a_vowel(formants):
    vowel = lfilter([1], [1, -0.97], np.arange(SR) % 160 == 0)
    for formant in (*formants, 3800, 4800):
        radius = np.exp(-np.pi * 80 / SR)
        vowel = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / SR), radius**2], vowel)
    values = voice(0.5 * vowel / np.abs(vowel).max())
    for number, formant in enumerate(formants, start=1):
        assert values[f"f{number}_mean_hz"] == pytest.approx(formant, rel=0.1)
        assert values[f"f{number}_sd_hz"] < 60


@pytest.mark.parametrize("actor", [1, 2, 3, 4])
def test_agrees_with_praat(actor):
    y, sr = synthesis.say(actor=actor, emotion="happy")
    sound = parselmouth.Sound(y.astype(float), sr)
    train = call(sound, "To PointProcess (periodic, cc)", 75, 600)
    harmonicity = call(sound, "To Harmonicity (cc)", 0.02, 75, 0.1, 1.0)
    voiced = harmonicity.values[harmonicity.values > -200]
    jitter = [call(train, f"Get jitter ({measure})", 0, 0, 1e-4, 0.02, 1.3) for measure in ("local", "rap", "ppq5")]
    shimmer = [
        call([sound, train], f"Get shimmer ({measure})", 0, 0, 1e-4, 0.02, 1.3, 1.6)
        for measure in ("local", "local_dB", "apq3", "apq5", "apq11")
    ]
    hnr = [call(harmonicity, "Get mean", 0, 0), voiced.std()]
    np.testing.assert_allclose(features.voice_quality(y, sr)[:10], [*jitter, *shimmer, *hnr])


@settings(max_examples=8, deadline=None)
@given(st.floats(0.05, 1.5))
def test_gain_moves_nothing(gain):
    y = synthesis.say()[0].astype(float)
    np.testing.assert_allclose(features.voice_quality(gain * y, SR), features.voice_quality(y, SR), rtol=1e-3)


def test_what_has_no_voice_is_all_zero():
    assert not features.voice_quality(np.zeros(SR), SR).any()


def test_difficult_recordings_give_finite_numbers_without_a_warning(difficult):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = features.voice_quality(*difficult)
    assert values.shape == (len(features.names("voice")),)
    assert np.isfinite(values).all()


def test_refuses_what_is_no_recording():
    with pytest.raises(AudioError, match="25 ms"):
        features.voice_quality(np.zeros(399), SR)
