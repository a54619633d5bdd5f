import keras
import numpy as np
import pytest
from keras import ops

from ser_helpers.models import SpecAugment
from ser_helpers.models.keras_layers import hide

SNIPPET = """
from ser_helpers.models.keras_layers import SpecAugment, hide
results["time"] = hide(x, start, width, axis=1)
results["frequency"] = hide(x, start, width, axis=2)
layer = SpecAugment(bands=5, frames=7, stripes=2, seed=0)
results["training"] = layer(ones, training=True)
results["again"] = layer(ones, training=True)
results["prediction"] = layer(ones)
"""


def test_stripes_on_both_backends(on_both_backends):
    rng = np.random.default_rng(0)
    x, ones = rng.standard_normal((4, 30, 16)).astype("float32"), np.ones((50, 40, 20), dtype="float32")
    start, width = np.array([0.0, 3.0, 10.0, 14.0]), np.array([2.0, 0.0, 4.0, 2.0])
    wanted = {"time": x.copy(), "frequency": x.copy()}
    for row, (first, last) in enumerate(zip(start.astype(int), (start + width).astype(int), strict=True)):
        wanted["time"][row, first:last] = 0
        wanted["frequency"][row, :, first:last] = 0
    for found in on_both_backends(SNIPPET, x=x, ones=ones, start=start, width=width):
        np.testing.assert_array_equal(found["time"], wanted["time"])
        np.testing.assert_array_equal(found["frequency"], wanted["frequency"])
        np.testing.assert_array_equal(found["prediction"], ones)
        assert (found["training"] != found["again"]).any()
        for spectrogram in found["training"]:
            rows, columns = ~spectrogram.any(axis=1), ~spectrogram.any(axis=0)
            assert rows.sum() <= 2 * 7
            assert columns.sum() <= 2 * 5
            np.testing.assert_array_equal(spectrogram == 0, rows[:, None] | columns[None])


def test_widths_and_places_are_drawn_evenly():
    layer = SpecAugment(bands=4, frames=0, stripes=1, seed=1)
    hidden = ops.convert_to_numpy(layer(np.ones((6000, 1, 10), dtype="float32"), training=True))[:, 0] == 0
    widths = np.bincount(hidden.sum(axis=1), minlength=5) / 6000
    np.testing.assert_allclose(widths, 1 / 5, atol=0.02)
    starts = np.bincount(hidden[hidden.sum(axis=1) == 4].argmax(axis=1), minlength=7)
    np.testing.assert_allclose(starts / starts.sum(), 1 / 7, atol=0.04)


def test_a_stripe_wider_than_the_picture_hides_it_at_most():
    hidden = SpecAugment(bands=50, frames=50, seed=0)(np.ones((20, 3, 2), dtype="float32"), training=True)
    assert ops.convert_to_numpy(hidden).shape == (20, 3, 2)


def test_a_seed_fixes_the_stripes():
    x = np.ones((5, 30, 16), dtype="float32")
    once, again = (ops.convert_to_numpy(SpecAugment(seed=3)(x, training=True)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    keras.utils.set_random_seed(1)
    once = ops.convert_to_numpy(SpecAugment()(x, training=True))
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(once, ops.convert_to_numpy(SpecAugment()(x, training=True)))


def test_it_survives_saving(tmp_path):
    model = keras.Sequential([keras.Input((30, 16)), SpecAugment(3, 4, stripes=1, seed=5)])
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert isinstance(layer, SpecAugment)
    assert (layer.bands, layer.frames, layer.stripes, layer.seed) == (3, 4, 1, 5)


def test_wrong_settings_and_shapes_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        SpecAugment(bands=-1)
    with pytest.raises(ValueError, match=r"not the shape \(2, 30, 16, 1\)"):
        SpecAugment()(np.ones((2, 30, 16, 1)))


def test_hiding_keeps_the_type():
    hidden = hide(np.ones((1, 3, 3), dtype="float16"), np.array([0]), np.array([1]), axis=1)
    assert keras.backend.standardize_dtype(hidden.dtype) == "float16"
