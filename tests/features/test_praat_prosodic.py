import warnings

import numpy as np
import parselmouth
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import features, synthesis
from ser_helpers.errors import AudioError

SR = 16000


def prosody(y, sr=SR):
    return dict(zip(features.names("prosody"), features.prosody(y, sr), strict=True))


def voice(f0, level=0.1):
    """A buzz of 20 harmonics whose pitch in Hz is given for every sample."""
    phase = 2 * np.pi * np.cumsum(f0) / SR
    return level * sum(np.sin(k * phase) / k for k in range(1, 21))


def test_a_steady_voice_has_its_pitch_and_nothing_moves():
    values = prosody(voice(np.full(SR, 200.0)))
    assert values["f0_mean_hz"] == pytest.approx(200, abs=0.1)
    assert values["f0_mean_semitones"] == pytest.approx(12, abs=0.01)
    assert values["f0_sd_hz"] == pytest.approx(0, abs=0.2)
    assert values["energy_slope_db_per_s"] == pytest.approx(0, abs=0.5)
    assert values["voiced_fraction"] > 0.95
    assert values["pause_ratio"] == 0


def test_a_glide_has_its_slope_range_and_deviation():
    f0 = 100 * 2 ** np.linspace(0, 1, 2 * SR)
    values = prosody(voice(f0))
    assert values["f0_slope_semitones_per_s"] == pytest.approx(6, rel=0.02)
    assert values["f0_range_semitones"] == pytest.approx(0.9 * 12, rel=0.02)
    assert values["f0_sd_semitones"] == pytest.approx(12 / np.sqrt(12), rel=0.02)
    assert values["f0_mean_hz"] == pytest.approx(f0.mean(), rel=0.02)


def test_energy_is_praats_decibels():
    values = prosody(np.sin(2 * np.pi * 200 * np.arange(20 * SR) / SR))
    assert values["energy_mean_db"] == pytest.approx(20 * np.log10(np.sqrt(0.5) / 2e-5), abs=0.05)


def test_energy_slope_of_a_fading_voice():
    fade = 10 ** (-np.linspace(0, 20, 2 * SR) / 20)
    assert prosody(fade * voice(np.full(2 * SR, 150.0)))["energy_slope_db_per_s"] == pytest.approx(-10, rel=0.1)


@pytest.mark.parametrize("syllables", [3, 5, 8])
def test_syllables_are_counted(syllables):
    swell = np.sin(np.pi * np.arange(syllables * 3200) / 3200) ** 2
    values = prosody(swell * voice(np.full(swell.size, 150.0)))
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
    spoken = voice(np.full(SR, 150.0))
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


def test_difficult_recordings_give_finite_numbers_without_a_warning(difficult):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = features.prosody(*difficult)
    assert values.shape == (len(features.names("prosody")),)
    assert np.isfinite(values).all()


def test_refuses_what_is_no_recording():
    with pytest.raises(AudioError, match="25 ms"):
        features.prosody(np.zeros(399), SR)
