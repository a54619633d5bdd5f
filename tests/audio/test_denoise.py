"""Noise reduction: less noise, the same speech, and the same samples however the stream is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import audio, synthesis
from ser_helpers.audio.denoise import NoiseReducer, reduce_noise
from ser_helpers.errors import AudioError

SR = 8000


@pytest.fixture(scope="module")
def spoken():
    """Speech with pauses at 8 kHz, and noise 10 dB below it."""
    y, sr = synthesis.say(2, actor=4, emotion="happy")
    pause = np.zeros(2 * sr, np.float32)
    y = audio.resample(np.concatenate([pause, y, pause, y, pause, y]), sr, SR)
    noise = np.random.default_rng(0).standard_normal(len(y)).astype(np.float32)
    return y, noise * np.sqrt(np.mean(np.square(y)) / np.mean(np.square(noise)) / 10)


def snr(clean, heard):
    """dB of `clean` over whatever of `heard` is not it, at the gain that fits best."""
    gain = np.dot(clean, heard) / np.dot(clean, clean)
    return 10 * np.log10(np.sum(np.square(gain * clean)) / np.sum(np.square(heard - gain * clean)))


def test_speech_stands_out_more(spoken):
    speech, noise = spoken
    cleaned = reduce_noise(speech + noise, SR)
    assert cleaned.dtype == np.float32
    assert cleaned.shape == speech.shape
    assert snr(speech, cleaned) > snr(speech, speech + noise) + 2


def test_pauses_become_quiet(spoken):
    speech, noise = spoken
    pause = slice(len(speech) // 2, len(speech))
    silent = np.flatnonzero(np.abs(speech[pause]) < 1e-4)
    cleaned = reduce_noise(speech + noise, SR, strength=0.8)[pause]
    assert np.std(cleaned[silent]) < 0.4 * np.std(noise)


def test_the_first_second_passes_as_it_is(spoken):
    y = sum(spoken)
    np.testing.assert_array_equal(reduce_noise(y, SR)[: SR // 2], y[: SR // 2])


def test_no_strength_changes_next_to_nothing(spoken):
    y = sum(spoken)
    assert snr(y, reduce_noise(y, SR, strength=0)) > 20


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 3 * SR), max_size=12))
def test_how_the_stream_is_cut_does_not_matter(spoken, cuts):
    y = sum(spoken)
    reducer = NoiseReducer(SR)
    parts = [reducer.feed(part) for part in np.split(y, sorted(min(cut, len(y)) for cut in cuts))]
    np.testing.assert_array_equal(np.concatenate([*parts, reducer.finish()]), reduce_noise(y, SR))


@pytest.mark.parametrize("sr", [4000, 8000, 16000, 44100])
def test_any_rate(sr):
    y = 0.1 * np.random.default_rng(1).standard_normal(3 * sr)
    cleaned = reduce_noise(y, sr)
    assert len(cleaned) == len(y)
    assert np.std(cleaned[2 * sr :]) < 0.6 * np.std(y)


def test_silence_stays_silence():
    assert not reduce_noise(np.zeros(5 * SR), SR).any()


def test_missing_samples_stay_missing_and_spoil_nothing(spoken):
    y = sum(spoken)
    y[SR : 2 * SR] = np.nan
    reducer = NoiseReducer(SR)
    cleaned = np.concatenate([reducer.feed(y), reducer.finish()])
    np.testing.assert_array_equal(np.isnan(cleaned), np.isnan(y))


def test_after_a_break_the_noise_is_still_known(spoken):
    y = sum(spoken)
    reducer = NoiseReducer(SR)
    reducer.feed(y), reducer.finish()
    noise = spoken[1][:SR]
    assert np.std(np.concatenate([reducer.feed(noise), reducer.finish()])) < 0.6 * np.std(noise)


def test_memory_does_not_grow():
    reducer, chunk = NoiseReducer(SR), np.random.default_rng(2).standard_normal(SR).astype(np.float32) / 10
    for _ in range(40):
        reducer.feed(chunk)
    assert len(reducer._waiting) < SR
    assert sum(block.nbytes for _, block in reducer._blocks) < 25 * SR * 4


@pytest.mark.parametrize(("settings", "said"), [({"sr": 100}, "4000"), ({"sr": 8000, "strength": 2}, "share")])
def test_settings_that_make_no_sense(settings, said):
    with pytest.raises(ValueError, match=said):
        NoiseReducer(**settings)


def test_a_recording_with_nan_gets_a_sentence():
    with pytest.raises(AudioError, match="NaN"):
        reduce_noise(np.full(SR, np.nan), SR)


@pytest.mark.parametrize("wrong", [np.full(600, 3000, np.int16), np.zeros((600, 2))])
def test_what_is_no_mono_float_is_refused(wrong):
    with pytest.raises(AudioError, match=r"float samples \(n,\)"):
        NoiseReducer(SR).feed(wrong)
