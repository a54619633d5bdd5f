"""Cross-modal attention: each word of a sentence looks for the moments of the voice that matter to it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser_helpers")
class CrossModalAttention(keras.layers.Layer):
    """For every step of one sequence, a weighted sum over the steps of another: scaled dot-product attention.

    A query q is made of each step of the first sequence (a word), a key k and a value v of each step of the second
    (an audio frame). Softmax of q · k / √units over the second sequence gives the weights, the sum of weight × v the
    output. Steps that a mask hides, on either side, change nothing: hidden keys get no weight, hidden queries and those
    that find no key at all get zeros.

    Parameters
    ----------
    units : int
        Length of queries, keys and values, and so of the output.
    return_weights : bool
        Return the pair (output, weights) instead of the output alone.
    **kwargs
        As for every Keras layer, such as ``name``.

    Raises
    ------
    ValueError
        If an input is not of shape (batch, time, dims), or `units` is not positive.

    Notes
    -----
    Called as ``layer(query, context)``: (batch, words, dims) and (batch, frames, dims) become (batch, words, units);
    the weights are (batch, words, frames). Keras hands on the masks of both. Attention of this kind is that of Vaswani
    et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762; between modalities, that of Tsai et al.,
    "Multimodal transformer for unaligned multimodal language sequences", ACL 2019, doi:10.18653/v1/P19-1656. Lesson 10.

    Examples
    --------
    >>> import numpy as np
    >>> words, frames = np.ones((2, 3, 8), "float32"), np.ones((2, 5, 4), "float32")
    >>> layer = CrossModalAttention(16)
    >>> tuple(layer(words, frames).shape)
    (2, 3, 16)
    >>> layer.weights_over_context(words, frames)[0, 0].tolist()  # equal frames, equal weights
    [0.2..., 0.2..., 0.2..., 0.2..., 0.2...]
    """

    def __init__(self, units=32, return_weights=False, **kwargs):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"Attention needs at least one unit, not {units}.")
        self.units = units
        self.return_weights = return_weights
        self.supports_masking = True

    def build(self, query_shape, context_shape):
        """Make the matrices of queries, keys and values for inputs of these shapes."""
        for name, shape in (("query", query_shape), ("context", context_shape)):
            if len(shape) != 3:
                raise ValueError(f"The {name} must be (batch, time, dims), and its shape is {tuple(shape)}.")
        self.W_query = self.add_weight((query_shape[-1], self.units), "glorot_uniform", name="W_query")
        self.W_key = self.add_weight((context_shape[-1], self.units), "glorot_uniform", name="W_key")
        self.W_value = self.add_weight((context_shape[-1], self.units), "glorot_uniform", name="W_value")

    def call(self, query, context, query_mask=None, context_mask=None):
        """The output for each query; the masks (batch, time) are True where a step counts."""
        weights = self._weights(query, context, query_mask, context_mask)
        output = weights @ (context @ self.W_value)
        return (output, weights) if self.return_weights else output

    def weights_over_context(self, query, context, query_mask=None, context_mask=None):
        """The weights alone, as an array of shape (batch, words, frames)."""
        query, context = ops.convert_to_tensor(query), ops.convert_to_tensor(context)
        if not self.built:
            self.build(query.shape, context.shape)
        return ops.convert_to_numpy(self._weights(query, context, query_mask, context_mask))

    def _weights(self, query, context, query_mask, context_mask):
        scores = (query @ self.W_query) @ ops.transpose(context @ self.W_key, (0, 2, 1)) / self.units**0.5
        if context_mask is not None:
            heard = ops.cast(context_mask, "bool")[:, None, :]
            hidden = ops.cast(-1e4, scores.dtype)  # exp of it is 0, and half precision can hold it
            scores = ops.where(heard, scores, hidden)
        weights = ops.softmax(scores, axis=-1)
        if context_mask is not None:
            weights = weights * ops.cast(heard, weights.dtype)
        if query_mask is not None:
            weights = weights * ops.cast(query_mask, weights.dtype)[:, :, None]
        return weights

    def compute_mask(self, query, mask=None):
        """The mask of the queries: the output has their steps."""
        return (mask, None) if self.return_weights else mask

    def compute_output_shape(self, query_shape, context_shape):
        """(batch, words, units), and (batch, words, frames) with `return_weights`."""
        output = (*query_shape[:2], self.units)
        return (output, (*query_shape[:2], context_shape[1])) if self.return_weights else output

    def get_config(self):
        """What is needed to make the layer again, for saving."""
        return super().get_config() | {"units": self.units, "return_weights": self.return_weights}
