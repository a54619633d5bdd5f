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


def prosody(y, sr=SR):
    return dict(zip(features.names("prosody"), features.prosody(y, sr), strict=True))


def buzz(f0, level=0.1):
    """A buzz of 20 harmonics whose pitch in Hz is given for every sample."""
    phase = 2 * np.pi * np.cumsum(f0) / SR
    return level * sum(np.sin(k * phase) / k for k in range(1, 21))


def test_a_steady_voice_has_its_pitch_and_nothing_moves():
    values = prosody(buzz(np.full(SR, 200.0)))
    assert values["f0_mean_hz"] == pytest.approx(200, abs=0.1)
    assert values["f0_mean_semitones"] == pytest.approx(12, abs=0.01)
    assert values["f0_sd_hz"] == pytest.approx(0, abs=0.2)
    assert values["energy_slope_db_per_s"] == pytest.approx(0, abs=0.5)
    assert values["voiced_fraction"] > 0.95
    assert values["pause_ratio"] == 0


def test_a_glide_has_its_slope_range_and_deviation():
    f0 = 100 * 2 ** np.linspace(0, 1, 2 * SR)
    values = prosody(buzz(f0))
    assert values["f0_slope_semitones_per_s"] == pytest.approx(6, rel=0.02)
    assert values["f0_range_semitones"] == pytest.approx(0.9 * 12, rel=0.02)
    assert values["f0_sd_semitones"] == pytest.approx(12 / np.sqrt(12), rel=0.02)
    assert values["f0_mean_hz"] == pytest.approx(f0.mean(), rel=0.02)


def test_energy_is_praats_decibels():
    values = prosody(np.sin(2 * np.pi * 200 * np.arange(20 * SR) / SR))
    assert values["energy_mean_db"] == pytest.approx(20 * np.log10(np.sqrt(0.5) / 2e-5), abs=0.05)


def test_energy_slope_of_a_fading_voice():
    fade = 10 ** (-np.linspace(0, 20, 2 * SR) / 20)
    assert prosody(fade * buzz(np.full(2 * SR, 150.0)))["energy_slope_db_per_s"] == pytest.approx(-10, rel=0.1)


@pytest.mark.parametrize("syllables", [3, 5, 8])
def test_syllables_are_counted(syllables):
    swell = np.sin(np.pi * np.arange(syllables * 3200) / 3200) ** 2
    values = prosody(swell * buzz(np.full(swell.size, 150.0)))
    seconds = 0.2 * syllables
    assert values["speech_rate_per_s"] * seconds == pytest.approx(syllables, rel=0.15)
    assert values["articulation_rate_per_s"] == values["speech_rate_per_s"]


def test_unvoiced_syllables_do_not_count():
    noise = np.random.default_rng(0).normal(size=SR) * np.sin(np.pi * np.arange(SR) / 3200) ** 2
    values = prosody(0.1 * noise)
    assert values["speech_rate_per_s"] < 1
    assert values["voiced_fraction"] < 0.1


@pytest.mark.parametrize(("silence", "ratio"), [(0.5, 0.5 / 2.5), (1.0, 1 / 3), (0.2, 0.0)])
def test_pauses_of_300_ms_or_more_count(silence, ratio):
    spoken = buzz(np.full(SR, 150.0))
    values = prosody(np.concatenate([spoken, np.zeros(int(silence * SR)), spoken]))
    assert values["pause_ratio"] == pytest.approx(ratio, abs=0.04)
    assert values["articulation_rate_per_s"] * (1 - values["pause_ratio"]) == pytest.approx(values["speech_rate_per_s"])


@pytest.mark.parametrize("actor", [1, 2, 3, 4])
def test_f0_agrees_with_praat(actor):
    y, sr = synthesis.say(actor=actor, emotion="happy")
    f0 = parselmouth.Sound(y.astype(float), sr).to_pitch_ac(0.01, 75, pitch_ceiling=600).selected_array["frequency"]
    assert prosody(y)["f0_mean_hz"] == pytest.approx(f0[f0 > 0].mean())
    assert prosody(y)["f0_sd_hz"] == pytest.approx(f0[f0 > 0].std())


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 1.5))
def test_gain_moves_only_the_mean_energy(gain):
    y = synthesis.say()[0].astype(float)
    before, after = prosody(y), prosody(gain * y)
    assert after.pop("energy_mean_db") - before.pop("energy_mean_db") == pytest.approx(20 * np.log10(gain), abs=0.1)
    assert after == pytest.approx(before, rel=1e-3, abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, SR), st.integers(0, SR))
def test_silence_around_the_utterance_does_not_count(before, after):
    y = synthesis.say()[0]
    moved, still = prosody(np.pad(y, (160 * (before // 160), after))), prosody(y)
    for name in ("f0_mean_semitones", "f0_sd_semitones", "energy_mean_db", "speech_rate_per_s", "voiced_fraction"):
        assert moved[name] == pytest.approx(still[name], rel=0.05)


def test_silence_is_all_zero():
    assert not features.prosody(np.zeros(SR), SR).any()
    assert not features.prosody(np.full(SR, 0.5), SR).any()


def quality(y, sr=SR):
    return dict(zip(features.names("voice_quality"), features.voice_quality(y, sr), strict=True))


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
    values = quality(pulses(np.full(200, 1 / 200)))
    assert values["jitter_local"] < 0.001
    assert values["shimmer_local"] < 0.005
    assert values["hnr_mean_db"] > 30


@pytest.mark.parametrize("jitter", [0.005, 0.01, 0.02])
def test_jitter_of_irregular_periods(jitter):
    periods = (1 + jitter * np.random.default_rng(0).normal(size=300)) / 150
    values = quality(pulses(periods))
    assert values["jitter_local"] == pytest.approx(np.abs(np.diff(periods)).mean() / periods.mean(), rel=0.1)
    middle = periods[1:-1] - (periods[:-2] + periods[1:-1] + periods[2:]) / 3
    assert values["jitter_rap"] == pytest.approx(np.abs(middle).mean() / periods.mean(), rel=0.1)


@pytest.mark.parametrize("shimmer", [0.02, 0.05, 0.1])
def test_shimmer_of_uneven_amplitudes(shimmer):
    heights = 1 + shimmer * np.random.default_rng(0).normal(size=300)
    values = quality(pulses(np.full(300, 1 / 150), heights))
    assert values["shimmer_local"] == pytest.approx(np.abs(np.diff(heights)).mean() / heights.mean(), rel=0.1)
    decibels = np.abs(np.diff(20 * np.log10(heights))).mean()
    assert values["shimmer_local_db"] == pytest.approx(decibels, rel=0.1)


@pytest.mark.parametrize("hnr", [5, 10, 20])
def test_hnr_of_a_tone_in_noise(hnr):
    tone = np.sin(2 * np.pi * 200 * np.arange(2 * SR) / SR)
    noise = np.random.default_rng(0).normal(size=tone.size) * np.sqrt(0.5) * 10 ** (-hnr / 20)
    assert quality(0.1 * (tone + noise))["hnr_mean_db"] == pytest.approx(hnr, abs=1)


@pytest.mark.parametrize("formants", [(700, 1200, 2600), (300, 2300, 3000), (350, 900, 2400)])
def test_formants_of_a_vowel(formants):
    vowel = lfilter([1], [1, -0.97], np.arange(SR) % 160 == 0)
    for formant in (*formants, 3800, 4800):
        radius = np.exp(-np.pi * 80 / SR)
        vowel = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / SR), radius**2], vowel)
    values = quality(0.5 * vowel / np.abs(vowel).max())
    for number, formant in enumerate(formants, start=1):
        assert values[f"f{number}_mean_hz"] == pytest.approx(formant, rel=0.1)
        assert values[f"f{number}_sd_hz"] < 60


@pytest.mark.parametrize("actor", [1, 2, 3, 4])
def test_voice_quality_agrees_with_praat(actor):
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
def test_gain_does_not_change_the_voice_quality(gain):
    y = synthesis.say()[0].astype(float)
    np.testing.assert_allclose(features.voice_quality(gain * y, SR), features.voice_quality(y, SR), rtol=1e-3)


def test_silence_has_no_voice_quality():
    assert not features.voice_quality(np.zeros(SR), SR).any()


kinds = pytest.mark.parametrize("kind", ["prosody", "voice_quality"])


@kinds
def test_difficult_recordings_give_finite_numbers_without_a_warning(difficult, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = getattr(features, kind)(*difficult)
    assert values.shape == (len(features.names(kind)),)
    assert np.isfinite(values).all()


@kinds
def test_too_short_a_recording_is_refused(kind):
    with pytest.raises(AudioError, match="25 ms"):
        getattr(features, kind)(np.zeros(399), SR)
