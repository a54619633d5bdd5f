import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import features
from ser_helpers.features import audioset

SR = 16000


def noise(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=samples)).astype(np.float32)


@pytest.mark.parametrize(("offset", "hop"), [(0.01, 96), (0.001, 48)])
def test_patches_are_those_that_tensorflow_computes(offset, hop):
    tf = pytest.importorskip("tensorflow")
    y = noise(50_000) + np.sin(2 * np.pi * 440 * np.arange(50_000) / SR).astype(np.float32)
    mel = tf.signal.linear_to_mel_weight_matrix(64, 257, SR, 125.0, 7500.0)
    logmel = tf.math.log(tf.abs(tf.signal.stft(y, 400, 160, 512)) @ mel + offset)
    expected = tf.signal.frame(logmel, 96, hop, axis=0).numpy()
    np.testing.assert_allclose(audioset.log_mel_patches(y, offset, hop), expected, atol=2e-3)
    np.testing.assert_allclose(audioset.mel_matrix(), mel.numpy(), atol=1e-4)


def test_a_spectrum_is_log_of_bands_of_magnitudes():
    y, frame = noise(20_000), 30
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(400) / 400))
    magnitude = np.abs(np.fft.rfft(y[160 * frame :][:400] * window, 512))
    mel = 1127 * np.log(1 + np.arange(257) * SR / 512 / 700)
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    bands = [np.interp(mel, edges[band : band + 3], [0, 1, 0], left=0, right=0) @ magnitude for band in range(64)]
    np.testing.assert_allclose(audioset.log_mel_patches(y)[0, frame], np.log(np.array(bands) + 0.01), atol=1e-4)


@pytest.mark.parametrize(("samples", "hop", "count"), [(400, 96, 1), (15_600, 96, 1), (48_000, 96, 3), (48_000, 48, 5)])
def test_recordings_are_cut_into_whole_patches_and_short_ones_filled_up(samples, hop, count):
    assert audioset.log_mel_patches(noise(samples), hop=hop).shape == (count, 96, 64)


def test_silence_is_the_offset():
    np.testing.assert_allclose(audioset.log_mel_patches(np.zeros(SR)), np.log(0.01), rtol=1e-6)


def test_the_embedding_is_the_mean_of_cosine_sums_over_patches():
    y = noise(3 * SR)
    time, mel = (np.arange(size) + 0.5 for size in (96, 64))
    found = dict(zip(features.names("patchdct"), audioset.patchdct(y, SR), strict=True))
    for t, m in [(0, 0), (0, 5), (3, 0), (7, 15)]:
        basis = np.outer(np.cos(np.pi * t * time / 96), np.cos(np.pi * m * mel / 64))
        scale = np.sqrt((1 if t == 0 else 2) / 96 * (1 if m == 0 else 2) / 64)
        sums = [scale * np.sum(basis * patch) for patch in audioset.log_mel_patches(y)]
        assert found[f"dct_time{t}_mel{m:02}"] == pytest.approx(np.mean(sums), abs=1e-3)


@settings(deadline=None, max_examples=20)
@given(gain=st.floats(2, 8), seed=st.integers(0, 100))
def test_a_louder_recording_differs_in_the_first_number_only(gain, seed):
    y = noise(SR, seed)
    change = audioset.patchdct(gain * y, SR) - audioset.patchdct(y, SR)
    assert change[0] == pytest.approx(np.log(gain) * np.sqrt(96 * 64), rel=0.05)
    assert np.abs(change[1:]).max() < 0.02 * change[0]


def test_every_difficult_recording_gives_finite_numbers(difficult):
    y, sr = difficult
    assert np.isfinite(features.patchdct(y, sr)).all()
    np.testing.assert_array_equal(features.patchdct(y, sr), features.patchdct(y, sr))


def test_clips_of_emotions_differ(table):
    found = features.extract(table(3), "patchdct", jobs=1)
    assert found.columns.tolist() == features.names("patchdct")
    assert not np.allclose(found.iloc[0], found.iloc[1])
