"""The gate hears what silero's own code hears, however the sound is cut, and finds the stretches it finds."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio, corpora
from ser_helpers.audio import vad
from ser_helpers.errors import AudioError, WeightsMissing


@pytest.fixture(scope="module")
def talk():
    """Twelve seconds: utterances with pauses of digital silence and of noise between them."""
    paths = corpora.load("synthetic-small")["path"].iloc[[0, 40, 80, 120]]
    rng = np.random.default_rng(0)
    parts = [part for path in paths for part in (audio.load(path), rng.normal(0, 1e-3, 9000), np.zeros(7000))]
    return np.concatenate(parts).astype(np.float32)[: 12 * 16000]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 999), st.integers(0, 30))
def test_any_chunks_give_the_same_bits(talk, seed, chunks):
    whole = audio.SpeechGate().feed(talk)
    gate, cuts = audio.SpeechGate(), np.sort(np.random.default_rng(seed).integers(0, len(talk), chunks))
    np.testing.assert_array_equal(np.concatenate([gate.feed(chunk) for chunk in np.split(talk, cuts)]), whole)


def test_it_hears_what_silero_hears(talk):
    torch, silero_vad = pytest.importorskip("torch"), pytest.importorskip("silero_vad")
    model = silero_vad.load_silero_vad(onnx=True)
    frames = talk[: len(talk) // 512 * 512].reshape(-1, 512)
    theirs = [model(torch.from_numpy(frame.copy()), 16000).item() for frame in frames]
    np.testing.assert_allclose(audio.SpeechGate().feed(talk), theirs, atol=1e-5)


@pytest.mark.parametrize(("threshold", "min_speech", "min_silence"), [(0.5, 0.25, 0.1), (0.8, 0.5, 0.4), (0.3, 0, 0)])
def test_the_stretches_are_sileros(talk, threshold, min_speech, min_silence):
    torch, silero_vad = pytest.importorskip("torch"), pytest.importorskip("silero_vad")
    rules = {"min_speech_duration_ms": 1000 * min_speech, "min_silence_duration_ms": 1000 * min_silence}
    theirs = silero_vad.get_speech_timestamps(
        torch.from_numpy(talk), silero_vad.load_silero_vad(onnx=True), threshold, speech_pad_ms=0, **rules
    )
    found = audio.find_speech(talk, 16000, threshold, min_speech, min_silence)
    assert len(found) >= 2
    assert (found * 16000).round().astype(int).to_dict("records") == theirs


def test_a_pause_ends_a_stretch_where_it_begins():
    probabilities = [0.1, 0.9, 0.4, 0.9, 0.2, 0.2, 0.2, 0.2, 0.9, 0.1, 0.1]
    found = vad._stretches(probabilities, 0.5, min_speech=0, min_silence=1024, length=11 * 512 - 100)
    assert found == [(512, 4 * 512), (8 * 512, 11 * 512 - 100)]


def test_speech_is_found_at_any_rate(talk):
    at_16, at_44 = audio.find_speech(talk, 16000), audio.find_speech(audio.resample(talk, 16000, 44100), 44100)
    assert (at_44.end - at_44.start).sum() == pytest.approx((at_16.end - at_16.start).sum(), abs=0.5)


def test_what_is_no_speech_opens_no_gate():
    rng = np.random.default_rng(0)
    for y in (np.zeros(48000), rng.normal(0, 0.05, 48000), 0.3 * np.sin(np.arange(48000) * 0.4)):
        assert audio.find_speech(y, 16000).empty


def test_a_gate_that_was_reset_hears_as_if_new(talk):
    gate = audio.SpeechGate()
    first = gate.feed(talk[:30000])
    gate.reset()
    np.testing.assert_array_equal(gate.feed(talk[:30000]), first)


def test_two_gates_do_not_hear_each_other(talk):
    alone = audio.SpeechGate().feed(talk[:16000])
    a, b = audio.SpeechGate(), audio.SpeechGate()
    mixed = []
    for start in range(0, 16000, 1600):
        mixed.append(a.feed(talk[start : start + 1600]))
        b.feed(talk[50000 + start : 51600 + start])
    np.testing.assert_array_equal(np.concatenate(mixed), alone)


def test_wrong_input_gets_a_sentence(monkeypatch):
    with pytest.raises(AudioError, match="NaN"):
        audio.find_speech(np.full(16000, np.nan), 16000)
    with pytest.raises(ValueError, match="threshold is a probability"):
        audio.SpeechGate(threshold=1.5)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    vad._network.cache_clear()
    with pytest.raises(WeightsMissing, match="pip install silero-vad"):
        audio.SpeechGate()
    vad._network.cache_clear()


@pytest.mark.parametrize("wrong", [np.full(600, np.nan), np.full(600, 3000, np.int16), np.zeros((600, 2))])
def test_what_the_gate_cannot_hear_is_refused_and_changes_nothing(talk, wrong):
    whole, gate = audio.SpeechGate().feed(talk[:16384]), audio.SpeechGate()
    begun = gate.feed(talk[:8000])
    with pytest.raises(AudioError):
        gate.feed(wrong)
    np.testing.assert_array_equal(np.concatenate([begun, gate.feed(talk[8000:16384])]), whole)
