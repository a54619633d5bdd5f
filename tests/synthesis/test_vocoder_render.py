import numpy as np
import pytest

from ser_helpers.synthesis import vocoder
from ser_helpers.synthesis.rng import make_rng
from ser_helpers.synthesis.vocoder import FREQUENCIES, HOP, SAMPLE_RATE, carrier


def test_the_pulse_train_is_the_sum_of_its_harmonics():
    hz = 140.0
    phase = np.arange(4000) * hz / SAMPLE_RATE
    harmonics = np.arange(1, int(7600 / hz) + 1)
    expected = np.cos(2 * np.pi * phase[:, None] * harmonics).sum(1)
    np.testing.assert_allclose(vocoder._pulse_train(phase, np.full(4000, hz)), expected, atol=0.05)


def test_flat_envelopes_leave_the_pulses_as_they_are():
    m, rng = 80, make_rng("test")
    pulses = rng.normal(size=m * HOP).astype(np.float32)
    flat, silent = np.zeros((m, len(FREQUENCIES))), np.full((m, len(FREQUENCIES)), -100.0)
    y = vocoder._overlap_add(pulses, flat, silent, np.ones(m), rng)
    inside = slice(4 * HOP, (m - 4) * HOP)
    scale = np.dot(y[2 * HOP : (m + 2) * HOP][inside], pulses[inside]) / np.dot(pulses[inside], pulses[inside])
    np.testing.assert_allclose(y[2 * HOP : (m + 2) * HOP][inside], scale * pulses[inside], atol=1e-4)


def test_resampling_by_nothing_changes_nothing():
    envelope = carrier(1).harmonics
    same = vocoder._resample(envelope, np.arange(len(envelope) - 1.0), np.ones(len(FREQUENCIES)))
    np.testing.assert_allclose(same, envelope[:-1], atol=1e-4)


def test_resampling_moves_a_peak_by_the_scale():
    envelope = np.tile(-np.abs(FREQUENCIES - 1000) / 100, (10, 1)).astype(np.float32)
    moved = vocoder._resample(envelope, np.arange(8.0), np.full(len(FREQUENCIES), 1.2))
    assert FREQUENCIES[moved[0].argmax()] == pytest.approx(1200, abs=20)


def test_a_pause_adds_its_length_and_silences_only_that():
    frames = carrier(1)
    loudness = vocoder._loudness(frames)
    position, paused = vocoder._timing(frames.f0 > 0, loudness, 1, 0, make_rng("test"))
    longer, silence = vocoder._timing(frames.f0 > 0, loudness, 1, 0.5, make_rng("test"))
    assert not paused.any()
    assert (len(longer) - len(position)) * HOP / SAMPLE_RATE == pytest.approx(0.5, abs=0.0125)
    assert silence.sum() * HOP / SAMPLE_RATE == pytest.approx(0.5, abs=0.03)
    assert (np.diff(longer) > 0).all()


def test_whisper_takes_the_voice_of_the_weakest_frames():
    frames = carrier(1)
    spoken, loudness = frames.f0 > 0, vocoder._loudness(frames)
    kept = vocoder._keep_voice(spoken, loudness, 0.25)
    assert kept.sum() / spoken.sum() == pytest.approx(0.75, abs=0.02)
    assert loudness[kept].min() > loudness[spoken & ~kept].max()


def test_the_level_is_the_rms_of_what_sounds():
    tone = np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    level = 20 * np.log10(np.sqrt(np.mean(vocoder._set_level(tone, -20) ** 2)))
    assert level == pytest.approx(-20, abs=0.2)
