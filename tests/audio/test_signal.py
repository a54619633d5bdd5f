import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_helpers import audio
from ser_helpers.errors import AudioError

SAMPLES = arrays(np.float32, st.integers(1, 3000), elements=st.floats(-1, 1, width=32))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros((2, 16000)), r"its shape is \(2, 16000\)"),
        (np.float32(0), r"its shape is \(\)"),
        (np.zeros(399), "less than one frame of 25 ms"),
        (np.full(16000, np.nan), "NaN"),
        (np.full(16000, -np.inf), "NaN or infinite"),
    ],
)
def test_check_refuses_what_is_no_recording(y, words):
    with pytest.raises(AudioError, match=f"Cannot use this recording: .*{words}"):
        audio.check(y, 16000)


@pytest.mark.parametrize("sr", [8000, 11025, 16000, 22050, 44100])
def test_check_accepts_exactly_one_frame(sr):
    assert audio.check(np.zeros(sr // 40), sr).dtype == np.float32
    with pytest.raises(AudioError):
        audio.check(np.zeros(sr // 40 - 1), sr)


@settings(max_examples=50, deadline=None)
@given(SAMPLES, st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]), st.sampled_from([8000, 16000, 22050]))
def test_resample_equals_librosa(y, orig_sr, sr):
    librosa = pytest.importorskip("librosa")
    resampled = audio.resample(y, orig_sr, sr)
    assert resampled.dtype == np.float32
    np.testing.assert_array_equal(resampled, librosa.resample(y, orig_sr=orig_sr, target_sr=sr))


def test_resample_keeps_a_tone_and_removes_what_is_above_nyquist():
    t = np.arange(48000) / 48000
    kept, removed = np.sin(2 * np.pi * 1000 * t), np.sin(2 * np.pi * 10000 * t)
    middle = slice(1000, -1000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    np.testing.assert_allclose(audio.resample(kept, 48000, 16000)[middle], expected[middle], atol=1e-4)
    assert np.abs(audio.resample(removed, 48000, 16000)[middle]).max() < 1e-4


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 1), st.floats(0.1, 1), st.floats(0.05, 1), st.sampled_from([8000, 16000, 22050]))
def test_trim_finds_the_sound_within_a_frame(before, sound, after, sr):
    first, length = int(before * sr), int(sound * sr)
    y = np.zeros(first + length + int(after * sr))
    y[first : first + length] = np.random.default_rng(0).normal(size=length)
    trimmed = audio.trim(y, sr)
    start = (trimmed.__array_interface__["data"][0] - y.__array_interface__["data"][0]) // y.itemsize
    assert first - 0.025 * sr <= start <= first
    assert first + length <= start + len(trimmed) <= first + length + 0.035 * sr


@pytest.mark.parametrize("y", [np.zeros(16000), np.ones(100), np.ones(16000)])
def test_trim_leaves_what_has_no_silent_ends(y):
    np.testing.assert_array_equal(audio.trim(y, 16000), y)


def test_trim_obeys_top_db():
    y = np.concatenate([np.full(16000, 0.01), np.ones(16000)])
    assert len(audio.trim(y, 16000, top_db=50)) == 32000
    assert len(audio.trim(y, 16000, top_db=30)) == pytest.approx(16000, abs=400)


@settings(deadline=None)
@given(SAMPLES, st.integers(0, 4000))
def test_pad_adds_zeros_at_the_end(y, length):
    padded = audio.pad(y, length)
    assert len(padded) == max(length, len(y))
    assert padded.dtype == y.dtype
    np.testing.assert_array_equal(padded[: len(y)], y)
    assert not padded[len(y) :].any()


@settings(deadline=None)
@given(SAMPLES.filter(lambda y: np.abs(y).max() > 1e-6), st.floats(-60, 0))
def test_normalise_reaches_its_level_and_keeps_the_shape(y, level):
    peak, rms = audio.normalise(y, level), audio.normalise(y, level, measure="rms")
    assert peak.dtype == rms.dtype == y.dtype
    assert np.abs(peak).max() == pytest.approx(10 ** (level / 20), rel=1e-4)
    assert np.sqrt(np.mean(rms.astype(float) ** 2)) == pytest.approx(10 ** (level / 20), rel=1e-3)
    np.testing.assert_allclose(peak / np.abs(peak).max(), y / np.abs(y).max(), atol=1e-5)


def test_normalise_leaves_silence_and_refuses_other_measures():
    assert not audio.normalise(np.zeros(10)).any()
    with pytest.raises(ValueError, match="'peak' or 'rms', not 'loudness'"):
        audio.normalise(np.ones(10), measure="loudness")


@pytest.mark.parametrize("use", [audio.check, audio.trim, lambda y, sr: audio.normalise(y)])
def test_integer_and_nan_samples_are_refused_in_one_sentence(use):
    with pytest.raises(AudioError, match="samples are integers; divide them by their full scale first, 32768"):
        use(np.full(16000, 1000, np.int16), 16000)
    with pytest.raises(AudioError, match="NaN or infinite"):
        use(np.full(16000, np.nan), 16000)
