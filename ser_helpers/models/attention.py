"""Attention pooling: a recording's frames become one vector, and the network decides which frames count."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser_helpers")
class AttentionPooling(keras.layers.Layer):
    """A weighted sum over time whose weights the network learns: additive attention.

    Each frame h_t gets a score v · tanh(W h_t + b); softmax over time turns the scores into weights that add up to 1,
    and the output is the sum of weight × frame. Frames that a mask hides get no weight, so padding changes nothing; a
    row that is hidden altogether gives zeros.

    Parameters
    ----------
    units : int
        Length of v: how many detectors the score is made of.
    return_weights : bool
        Return the pair (sum, weights) instead of the sum alone.
    **kwargs
        As for every Keras layer, such as ``name``.

    Raises
    ------
    ValueError
        If the input is not of shape (batch, time, dims), or `units` is not positive.

    Notes
    -----
    Input (batch, time, dims), output (batch, dims), weights (batch, time). The score is that of Bahdanau, Cho and
    Bengio, "Neural machine translation by jointly learning to align and translate", ICLR 2015, arXiv:1409.0473; pooling
    an utterance by attention is that of Mirsamadi, Barsoum and Zhang, "Automatic speech emotion recognition using
    recurrent neural networks with local attention", ICASSP 2017, doi:10.1109/ICASSP.2017.7952552. Lesson 07.

    Examples
    --------
    >>> import numpy as np
    >>> pool = AttentionPooling(8)
    >>> frames = np.ones((2, 5, 3), dtype="float32")
    >>> tuple(pool(frames).shape)
    (2, 3)
    >>> pool.weights_over_time(frames)[0].tolist()  # equal frames, equal weights
    [0.2..., 0.2..., 0.2..., 0.2..., 0.2...]
    """

    def __init__(self, units=32, return_weights=False, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"Attention needs at least one unit, not {units}.")
        self.units = units
        self.return_weights = return_weights
        self.supports_masking = True

    def build(self, input_shape):
        """Make W (dims, units), b (units,) and v (units,) for inputs of shape (batch, time, dims)."""
        if len(input_shape) != 3:
            raise ValueError(f"Attention pools (batch, time, dims), and its input has the shape {tuple(input_shape)}.")
        self.W = self.add_weight((input_shape[-1], self.units), "glorot_uniform", name="W")
        self.b = self.add_weight((self.units,), "zeros", name="b")
        self.v = self.add_weight((self.units, 1), "glorot_uniform", name="v")

    def call(self, x, mask=None):
        """The weighted sum of the frames `x`; `mask` (batch, time) is True where a frame counts."""
        weights = self._weights(x, mask)
        pooled = ops.sum(weights[..., None] * x, axis=1)
        return (pooled, weights) if self.return_weights else pooled

    def weights_over_time(self, x, mask=None):
        """The weights alone, as an array of shape (batch, time)."""
        x = ops.convert_to_tensor(x)
        if not self.built:
            self.build(x.shape)
        return ops.convert_to_numpy(self._weights(x, mask))

    def _weights(self, x, mask):
        scores = ops.squeeze(ops.tanh(x @ self.W + self.b) @ self.v, axis=-1)
        if mask is None:
            return ops.softmax(scores, axis=1)
        heard = ops.cast(mask, scores.dtype)
        hidden = ops.cast(-1e4, scores.dtype)  # exp of it is 0, and half precision can hold it
        return ops.softmax(ops.where(ops.cast(mask, "bool"), scores, hidden), axis=1) * heard

    def compute_mask(self, x, mask=None):
        """None: time is gone, so is the mask."""
        return (None, None) if self.return_weights else None

    def compute_output_shape(self, input_shape):
        """(batch, dims), and (batch, time) with `return_weights`."""
        batch, time, dims = input_shape
        return ((batch, dims), (batch, time)) if self.return_weights else (batch, dims)

    def get_config(self):
        """What is needed to make the layer again, for saving."""
        return super().get_config() | {"units": self.units, "return_weights": self.return_weights}
