import signal
import sys
import warnings

import numpy as np
import pytest

from ser_helpers import audio, features, synthesis
from ser_helpers.errors import AudioError
from ser_helpers.features import functionals

SETS = {"egemaps": (features.egemaps, "eGeMAPSv02", 88), "compare": (features.compare2016, "ComParE_2016", 6373)}
kinds = pytest.mark.parametrize(("function", "feature_set", "dims"), SETS.values(), ids=SETS)


@pytest.fixture(scope="module")
def direct():
    """A function that calls openSMILE as its manual does."""
    import opensmile  # after ser_helpers.features, which binds it to its own symbols: after TensorFlow it would crash

    def direct(feature_set, y, sr):
        smile = opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel.Functionals)
        return smile.process_signal(y, sr)

    return direct


@kinds
def test_equals_opensmile_at_16_khz(direct, function, feature_set, dims):
    for actor in (1, 2):
        y, sr = synthesis.say(actor=actor, emotion="angry")
        expected = direct(feature_set, y, sr).iloc[0].to_numpy()
        values = function(y, sr)
        assert values.shape == (dims,)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, expected)


@kinds
def test_other_rates_are_resampled_to_16_khz(direct, function, feature_set, dims):
    y = audio.resample(*synthesis.say(), 48000)
    expected = direct(feature_set, audio.resample(y, 48000, 16000), 16000)
    np.testing.assert_array_equal(function(y, 48000), expected.iloc[0].to_numpy())


@kinds
def test_names_are_opensmiles(direct, function, feature_set, dims):
    kind = next(kind for kind, row in SETS.items() if row[1] == feature_set)
    assert features.names(kind) == list(direct(feature_set, *synthesis.say()).columns)


@kinds
def test_difficult_recordings_give_finite_numbers_without_a_warning(difficult, function, feature_set, dims):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values = function(*difficult)
    assert values.shape == (dims,)
    assert np.isfinite(values).all()


def test_pitch_is_right():
    tone = sum(np.sin(2 * np.pi * 220 * k * np.arange(16000) / 16000) / k for k in range(1, 10)) / 3
    values = dict(zip(features.names("egemaps"), features.egemaps(tone, 16000), strict=True))
    assert values["F0semitoneFrom27.5Hz_sma3nz_amean"] == pytest.approx(36, abs=0.1)


@kinds
def test_refuses_what_is_no_recording(function, feature_set, dims):
    with pytest.raises(AudioError, match="25 ms"):
        function(np.zeros(399), 16000)


def test_it_works_in_a_process_that_has_loaded_tensorflow_or_torch(on_both_backends):
    snippet = "from ser_helpers import features; results['sum'] = features.egemaps(y, 16000).sum()"
    y = np.sin(np.arange(16000))
    for found in on_both_backends(snippet, y=y):
        assert found["sum"] == pytest.approx(features.egemaps(y, 16000).sum(), rel=1e-5)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_ctrl_c_waits_for_opensmile(monkeypatch):
    finished = []

    def smile(y, sr):
        signal.raise_signal(signal.SIGINT)  # in openSMILE's callbacks, the exception would be dropped
        finished.append(True)
        return np.zeros((1, 88))

    monkeypatch.setattr(functionals, "_smile", lambda feature_set: smile)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test worker may ignore it
    try:
        with pytest.raises(KeyboardInterrupt):
            features.egemaps(np.zeros(16000), 16000)
        assert finished
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
