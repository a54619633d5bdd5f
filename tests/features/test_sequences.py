import warnings

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_helpers import features, synthesis
from ser_helpers.errors import AudioError

SR = 16000


@pytest.fixture(scope="module")
def speech():
    return synthesis.say()[0]


@pytest.fixture(scope="module")
def librosa_logmel(speech):
    power = librosa.feature.melspectrogram(y=speech, sr=SR, n_fft=512, win_length=400, hop_length=160, n_mels=64)
    return librosa.power_to_db(power, top_db=None)


def test_logmel_equals_librosa(speech, librosa_logmel):
    logmel = features.logmel(speech, SR)
    assert logmel.dtype == np.float32
    np.testing.assert_allclose(logmel, librosa_logmel.T, atol=1e-3)


def test_mfcc_and_deltas_equal_librosa(speech, librosa_logmel):
    mfcc = librosa.feature.mfcc(S=librosa_logmel, n_mfcc=40)
    np.testing.assert_allclose(features.mfcc(speech, SR), mfcc.T, atol=1e-2)
    deltas = [librosa.feature.delta(mfcc, order=order) for order in (1, 2)]
    ours = features.mfcc(speech, SR, deltas=True)
    assert ours.shape == (mfcc.shape[1], 120)
    inner = slice(8, -8)
    np.testing.assert_allclose(ours[inner], np.concatenate([mfcc, *deltas]).T[inner], atol=1e-2)


@pytest.mark.parametrize("bands", [20, 40, 64])
def test_parameters_set_the_dimensions(speech, bands):
    assert features.logmel(speech, SR, n_mels=bands).shape[1] == bands
    assert features.mfcc(speech, SR, n_mfcc=bands).shape[1] == bands


@settings(max_examples=30, deadline=None)
@given(st.integers(400, 20000), st.booleans())
def test_there_is_a_frame_every_10_ms(samples, deltas):
    y = np.random.default_rng(0).normal(size=samples)
    frames = 1 + samples // 160
    assert features.logmel(y, SR).shape == (frames, 64)
    assert features.mfcc(y, SR, deltas=deltas).shape == (frames, 120 if deltas else 40)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10))
def test_gain_shifts_the_log_mel_spectrum_and_the_first_coefficient_only(gain):
    y = 0.1 * np.random.default_rng(0).normal(size=8000)
    np.testing.assert_allclose(features.logmel(gain * y, SR), features.logmel(y, SR) + 20 * np.log10(gain), atol=0.01)
    np.testing.assert_allclose(features.mfcc(gain * y, SR)[:, 1:], features.mfcc(y, SR)[:, 1:], atol=0.01)


def test_a_tone_is_loudest_in_its_band():
    logmel = features.logmel(np.sin(2 * np.pi * 1000 * np.arange(SR) / SR), SR)
    centres = librosa.mel_frequencies(66, fmax=SR / 2)[1:-1]
    assert centres[logmel.mean(axis=0).argmax()] == pytest.approx(1000, abs=40)


@pytest.mark.parametrize("function", [features.logmel, features.mfcc])
def test_difficult_recordings_give_finite_numbers_without_a_warning(difficult, function):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(function(*difficult)).all()


def test_silence_is_at_the_floor():
    np.testing.assert_allclose(features.logmel(np.zeros(SR), SR), -100, rtol=1e-6)


@pytest.mark.parametrize("function", [features.logmel, features.mfcc])
def test_refuses_what_is_no_recording(function):
    with pytest.raises(AudioError, match="25 ms"):
        function(np.zeros(399), SR)


@pytest.mark.parametrize(("name", "most"), [("n_mels", 192), ("n_mfcc", 64)])
def test_a_number_of_columns_that_cannot_be_is_refused(name, most):
    function = {"n_mels": features.logmel, "n_mfcc": features.mfcc}[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of bands without any frequency
        for number in (1, np.int64(2), most):
            assert function(np.ones(SR), SR, **{name: number}).shape == (101, number)
    for number in (0, -1, most + 1, 2.0, "40", None):
        with pytest.raises(AudioError, match=rf"{name} is a whole number from 1 to {most}, not {number!r}"):
            function(np.ones(SR), SR, **{name: number})
