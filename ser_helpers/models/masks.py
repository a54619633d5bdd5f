"""SpecAugment: hide random stripes of a spectrogram during training."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser_helpers")
class SpecAugment(keras.layers.Layer):
    """Hide stripes of each spectrogram, in frequency and in time, whenever the network trains.

    Every step draws new stripes for every example, so the network never sees quite the same picture twice and cannot
    rely on one band or one moment. Hidden cells become 0, which is the mean after a ``FrameScaler``. In prediction the
    layer does nothing.

    Parameters
    ----------
    bands : int
        Width of the widest stripe in frequency; widths are drawn evenly from 0 to `bands`.
    frames : int
        Length of the longest stripe in time, drawn in the same way.
    stripes : int
        Number of stripes in each direction.
    seed : int, optional
        Of the random stripes; by default it follows ``keras.utils.set_random_seed``.

    Notes
    -----
    Lesson 06. Input and output have the shape (batch, frames, bands). After Park et al., "SpecAugment: a simple data
    augmentation method for automatic speech recognition", Interspeech 2019, doi:10.21437/Interspeech.2019-2680, without
    its time warping, which they found to help least.

    Examples
    --------
    >>> import numpy as np
    >>> spectrograms = np.ones((1, 50, 64), dtype="float32")
    >>> hidden = SpecAugment(seed=0)(spectrograms, training=True)
    >>> hidden.shape == spectrograms.shape, bool(ops.any(hidden == 0))
    (True, True)
    """

    def __init__(self, bands=12, frames=20, stripes=2, seed=None, **kwargs):
        super().__init__(**kwargs)
        if min(bands, frames, stripes) < 0:
            raise ValueError(f"bands, frames and stripes must not be negative: {bands}, {frames}, {stripes}.")
        self.bands = bands
        self.frames = frames
        self.stripes = stripes
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape):
        """Check that the input is a batch of spectrograms."""
        if len(input_shape) != 3:
            raise ValueError(f"SpecAugment takes (batch, frames, bands), not the shape {tuple(input_shape)}.")

    def call(self, inputs, training=False):
        """The spectrograms, with stripes hidden when `training`."""
        if not training:
            return inputs
        for axis, widest in ((1, self.frames), (2, self.bands)):
            for _ in range(self.stripes):
                inputs = hide(inputs, *self._draw(inputs, axis, widest), axis)
        return inputs

    def get_config(self):
        """The settings, for saving the network."""
        settings = {"bands": self.bands, "frames": self.frames, "stripes": self.stripes, "seed": self.seed}
        return {**super().get_config(), **settings}

    def _draw(self, inputs, axis, widest):
        """A start and a width for each example; a stripe lies wholly inside."""
        batch, size = ops.shape(inputs)[0], ops.cast(ops.shape(inputs)[axis], "float32")
        width = ops.floor(keras.random.uniform((batch,), 0, widest + 1, seed=self.generator))
        width = ops.minimum(width, size)
        start = ops.floor(keras.random.uniform((batch,), seed=self.generator) * (size - width + 1))
        return start, width


def hide(spectrograms, start, width, axis):
    """Set one stripe of each spectrogram to 0.

    Parameters
    ----------
    spectrograms : tensor (batch, frames, bands)
    start, width : tensors (batch,)
        First row or column of the stripe, and how many.
    axis : int
        1 hides frames, 2 hides bands.

    Notes
    -----
    The part of `SpecAugment` without chance: the same on every Keras backend. Lesson 06.

    Examples
    --------
    >>> import numpy as np
    >>> hidden = hide(np.ones((1, 2, 4), dtype="float32"), np.array([1.0]), np.array([2.0]), axis=2)
    >>> ops.convert_to_numpy(hidden)
    array([[[1., 0., 0., 1.],
            [1., 0., 0., 1.]]], dtype=float32)
    """
    spectrograms = ops.convert_to_tensor(spectrograms)
    start, width = (ops.cast(value, "float32")[:, None] for value in (start, width))
    place = ops.arange(ops.shape(spectrograms)[axis], dtype="float32")[None]
    keep = ops.cast(ops.logical_or(place < start, place >= start + width), spectrograms.dtype)
    return spectrograms * ops.expand_dims(keep, 3 - axis)
