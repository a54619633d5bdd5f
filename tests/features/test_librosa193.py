import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ser_helpers import audio, corpora, features, synthesis
from ser_helpers.errors import AudioError
from ser_helpers.features import librosa193

SR = 22050
GROUPS = {"mfcc": 40, "chroma": 12, "mel": 128, "contrast": 7, "tonnetz": 6}


def brute_force_median(values, size, mode="reflect"):
    """As scipy's, which reads beyond the array when it is much shorter than the window (seen in 1.17, 3 frames)."""
    assert mode == "reflect"
    padded = np.pad(values, [(width // 2, width // 2) for width in size], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, size).reshape(*values.shape, max(size))
    return np.sort(windows)[..., max(size) // 2]


@pytest.fixture
def correct_median(monkeypatch):
    """Makes librosa right on short clips: its median filter is replaced by a sort of every window."""
    monkeypatch.setattr(librosa.decompose, "median_filter", brute_force_median)


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


def assert_same(fast, plain, signal=""):
    """Equal to one part in 100,000 of each group's scale: 1 for chroma and tonnetz, the largest number for the rest."""
    assert fast.shape == (193,)
    assert fast.dtype == np.float64
    assert np.isfinite(fast).all()
    start = 0
    for group, size in GROUPS.items():
        ours, theirs = fast[start : start + size], plain[start : start + size]
        scale = 1 if group in ("chroma", "tonnetz") else np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale, err_msg=f"{signal} {group}")
        start += size


def synthetic_signals(seconds):
    """Names and samples of noise, tones, clicks, silence and speech, some of them nearly inaudible."""
    rng = np.random.default_rng(193)
    samples = int(seconds * SR)
    t = np.arange(samples) / SR
    noise, tone = rng.normal(size=samples), np.sin(2 * np.pi * rng.uniform(60, 4000) * t)
    speech = audio.resample(*synthesis.say(), SR)
    signals = {
        "noise": 0.1 * noise,
        "quiet noise": 1e-6 * noise,
        "noise with no power in float32": 1e-25 * noise,
        "tone": tone,
        "quiet tone": 1e-6 * tone,
        "glide": np.sin(2 * np.pi * (100 * t + 400 * t * t)),
        "chord": 0.3 * sum(np.sin(2 * np.pi * hertz * t) for hertz in (220, 277.2, 330)),
        "harmonics": sum(np.sin(2 * np.pi * 150 * k * t) / k for k in range(1, 20)) * np.hanning(samples),
        "clicks": np.isin(np.arange(samples), rng.integers(0, samples, 3)),
        "silence": np.zeros(samples),
        "constant": np.full(samples, 0.3),
        "silence, then noise": np.where(t < t.mean(), 0, noise),
        "faint 16-bit noise": np.round(3 * noise) / 32768,
        "speech": np.resize(speech[len(speech) // 4 :], samples),
    }
    return [(name, y.astype(np.float32)) for name, y in signals.items()]


@pytest.mark.parametrize("seconds", [0.01, 0.013, 0.025, 0.03, 0.045, 0.07, 0.1, 0.2])
def test_equals_librosa_with_a_correct_median_on_short_clips(seconds, correct_median, monkeypatch):
    monkeypatch.setattr(audio, "check", lambda y, sr: y)  # which refuses less than 25 ms
    for name, y in synthetic_signals(seconds):
        assert_same(features.vector193(y, SR), plain_librosa(y), name)


@pytest.mark.parametrize("seconds", [0.5, 3])
def test_equals_plain_librosa(seconds):
    for name, y in synthetic_signals(seconds):
        assert_same(features.vector193(y, SR), plain_librosa(y), name)


def test_equals_plain_librosa_on_a_minute():
    y = dict(synthetic_signals(60))["speech"]
    assert_same(features.vector193(y, SR), plain_librosa(y))


@pytest.mark.parametrize("actor", range(1, 25, 3))
def test_equals_plain_librosa_on_speech(actor):
    y = audio.resample(*synthesis.say(1 + actor % 2, actor, corpora.EMOTIONS[actor % 8]), SR)
    assert_same(features.vector193(y, SR), plain_librosa(y))


@pytest.mark.real
def test_equals_plain_librosa_on_300_real_clips(real_clips):
    for path in real_clips:
        y = audio.load(path, SR)
        assert_same(features.vector193(y, SR), plain_librosa(y))


@pytest.mark.filterwarnings("ignore:n_fft")
def test_the_plain_recipe_is_the_plain_recipe():
    y = audio.resample(*synthesis.say(), SR)
    np.testing.assert_allclose(features.vector193_plain(y, SR), plain_librosa(y), rtol=1e-6)


def test_harmonic_part_and_tunings_are_librosas_to_the_last_bit():
    for name, y in synthetic_signals(1):
        magnitude, phase = librosa.magphase(librosa.stft(y))
        harmonic = librosa193._harmonic(magnitude, phase, len(y))
        np.testing.assert_array_equal(harmonic, librosa.effects.harmonic(y), err_msg=name)
        for spectrum in (magnitude, np.abs(librosa.stft(harmonic))):
            for bins_per_octave in (12, 36):
                ours = librosa193._tuning(spectrum, bins_per_octave)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)
                    assert ours == librosa.estimate_tuning(S=spectrum, sr=SR, bins_per_octave=bins_per_octave), name


# Few different values, so that windows are full of ties.
TIED = st.integers(0, 3) | st.floats(0, 1, width=32)
SHAPE = st.tuples(st.integers(1, 80), st.integers(1, 20))


@settings(max_examples=100, deadline=None)
@given(SHAPE.flatmap(lambda shape: arrays(np.float32, shape, elements=TIED)), st.sampled_from("CF"))
def test_running_median_is_the_middle_of_every_sorted_window(rows, order):
    medians = librosa193._running_median(np.asarray(rows, order=order))
    np.testing.assert_array_equal(medians, brute_force_median(rows, (31, 1)))


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (2, 50), elements=st.sampled_from([0, 1e-40, 1e-38, 1e-30, 1e-3, 1, 1e30]) | TIED))
def test_soft_mask_is_librosas(parts):
    expected = librosa.util.softmask(*parts, power=2, split_zeros=True)
    np.testing.assert_array_equal(librosa193._soft_mask(*parts.copy()), expected)


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("tuning", [-0.5, -0.13, 0.0, 0.01, 0.49])
@pytest.mark.parametrize("samples", [220, 16000, 22050])
def test_cqt_equals_librosa(tuning, samples):
    y = np.random.default_rng(0).normal(size=samples).astype(np.float32)
    expected = np.abs(librosa.cqt(y, sr=SR, n_bins=252, bins_per_octave=36, tuning=tuning))
    np.testing.assert_allclose(librosa193.cqt(y, tuning), expected, atol=1e-5 * expected.max())


def test_cqt_filters_of_one_tuning_do_not_serve_another():
    y = np.sin(2 * np.pi * 440 * np.arange(SR) / SR).astype(np.float32)
    first = librosa193.cqt(y, 0.0)
    assert not np.allclose(librosa193.cqt(y, 0.4), first)
    np.testing.assert_array_equal(librosa193.cqt(y, 0.0), first)


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
    groups = {group: [name for name in names if name.startswith(f"{group}_")] for group in GROUPS}
    assert {group: len(members) for group, members in groups.items()} == GROUPS
    assert [name for members in groups.values() for name in members] == names
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
