import librosa
import numpy as np
import pytest

from ser_helpers.features.cqt import cqt


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("tuning", [-0.5, -0.13, 0.0, 0.01, 0.49])
@pytest.mark.parametrize("sr", [16000, 22050])
def test_equals_librosa(tuning, sr):
    y = np.random.default_rng(0).normal(size=sr).astype(np.float32)
    expected = np.abs(librosa.cqt(y, sr=sr, n_bins=252, bins_per_octave=36, tuning=tuning))
    np.testing.assert_allclose(cqt(y, sr, tuning), expected, atol=1e-6 * expected.max())


def test_filters_of_one_tuning_do_not_serve_another():
    y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    first = cqt(y, 22050, 0.0)
    assert not np.allclose(cqt(y, 22050, 0.4), first)
    np.testing.assert_array_equal(cqt(y, 22050, 0.0), first)
