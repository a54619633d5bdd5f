"""Keras layers, losses and metrics for speech: attention, SpecAugment, CCC and UAR. They work on every backend."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ser_helpers")
class AttentionPooling(keras.layers.Layer):
    """A weighted sum over time whose weights the network learns: additive attention.

    Each frame h_t gets a score v · tanh(W h_t + b); softmax over time turns the scores into weights that add up to 1,
    and the output is the sum of weight × frame. Masked frames get no weight, so padding changes nothing; a row that is
    masked altogether gives zeros.

    Input (batch, time, dims), output (batch, dims), weights (batch, time). The score is that of Bahdanau, Cho and
    Bengio, "Neural machine translation by jointly learning to align and translate", ICLR 2015, arXiv:1409.0473; pooling
    an utterance by attention is that of Mirsamadi, Barsoum and Zhang, "Automatic speech emotion recognition using
    recurrent neural networks with local attention", ICASSP 2017, doi:10.1109/ICASSP.2017.7952552. Raises ValueError if
    the input is not of shape (batch, time, dims), or `units` is not positive. Lesson 07.

    Parameters
    ----------
    units : int
        Length of v.
    return_weights : bool
        Return the pair (sum, weights) instead of the sum alone.
    **kwargs
        As for every Keras layer, such as ``name``.

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
        pooled = ops.sum(weights[..., None] * x, axis=1)  # (batch, time, 1) * (batch, time, dims) -> (batch, dims)
        return (pooled, weights) if self.return_weights else pooled

    def weights_over_time(self, x, mask=None):
        """The weights alone, as an array of shape (batch, time)."""
        x = ops.convert_to_tensor(x)
        if not self.built:
            self.build(x.shape)
        return ops.convert_to_numpy(self._weights(x, mask))

    def _weights(self, x, mask):
        # (batch, time, dims) -> (batch, time, units) -> (batch, time, 1) -> (batch, time)
        scores = ops.squeeze(ops.tanh(x @ self.W + self.b) @ self.v, axis=-1)
        if mask is None:
            return ops.softmax(scores, axis=1)
        # -1e4 instead of minus infinity: its exp is 0, it exists in half precision, and a row that is masked altogether
        # gives equal weights, which the product turns into zeros, where -inf would give NaN
        lowest = ops.cast(-1e4, scores.dtype)
        weights = ops.softmax(ops.where(ops.cast(mask, "bool"), scores, lowest), axis=1)
        return weights * ops.cast(mask, scores.dtype)

    def compute_mask(self, x, mask=None):
        """None: the output has no time axis left to mask."""
        return (None, None) if self.return_weights else None

    def compute_output_shape(self, input_shape):
        """(batch, dims), and (batch, time) with `return_weights`."""
        batch, time, dims = input_shape
        return ((batch, dims), (batch, time)) if self.return_weights else (batch, dims)

    def get_config(self):
        """The settings, for saving."""
        return super().get_config() | {"units": self.units, "return_weights": self.return_weights}


@keras.saving.register_keras_serializable("ser_helpers")
class CrossModalAttention(keras.layers.Layer):
    """For every step of one sequence, a weighted sum over the steps of another: scaled dot-product attention.

    A query q is made of each step of the first sequence (a word), a key k and a value v of each step of the second
    (an audio frame). Softmax of q · k / √units over the second sequence gives the weights, the sum of weight × v the
    output. Masked keys get no weight; masked queries, and queries without any unmasked key, get zeros.

    Called as ``layer(query, context)``: (batch, words, dims) and (batch, frames, dims) become (batch, words, units);
    the weights are (batch, words, frames). Keras passes the masks of both. Attention of this kind is that of Vaswani et
    al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762; between modalities, that of Tsai et al.,
    "Multimodal transformer for unaligned multimodal language sequences", ACL 2019, doi:10.18653/v1/P19-1656. Raises
    ValueError if an input is not of shape (batch, time, dims), or `units` is not positive. Lesson 10.

    Parameters
    ----------
    units : int
        Length of queries, keys and values, and so of the output.
    return_weights, **kwargs
        As for `AttentionPooling`.

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
        # (batch, words, units) @ (batch, units, frames) -> (batch, words, frames)
        scores = (query @ self.W_query) @ ops.transpose(context @ self.W_key, (0, 2, 1)) / self.units**0.5
        if context_mask is not None:
            unmasked = ops.cast(context_mask, "bool")[:, None, :]  # the same for every word
            scores = ops.where(unmasked, scores, ops.cast(-1e4, scores.dtype))  # as in AttentionPooling
        weights = ops.softmax(scores, axis=-1)
        if context_mask is not None:
            weights = weights * ops.cast(unmasked, weights.dtype)
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
        """The settings, for saving."""
        return super().get_config() | {"units": self.units, "return_weights": self.return_weights}


@keras.saving.register_keras_serializable("ser_helpers")
class SpecAugment(keras.layers.Layer):
    """Hide stripes of each spectrogram, in frequency and in time, whenever the network trains.

    Every step draws new stripes for every example, so the network cannot rely on one band or one moment. Hidden cells
    become 0, which is the mean after a ``FrameScaler``. In prediction the layer does nothing. Input and output have the
    shape (batch, frames, bands). After Park et al., "SpecAugment: a simple data augmentation method for automatic
    speech recognition", Interspeech 2019, doi:10.21437/Interspeech.2019-2680, without its time warping, which they
    found to help least. Lesson 06.

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
        """The settings, for saving."""
        settings = {"bands": self.bands, "frames": self.frames, "stripes": self.stripes, "seed": self.seed}
        return {**super().get_config(), **settings}

    def _draw(self, inputs, axis, widest):
        """A start and a width for each example, (batch,) each; a stripe lies wholly inside."""
        batch, size = ops.shape(inputs)[0], ops.cast(ops.shape(inputs)[axis], "float32")
        width = ops.floor(keras.random.uniform((batch,), 0, widest + 1, seed=self.generator))
        width = ops.minimum(width, size)
        start = ops.floor(keras.random.uniform((batch,), seed=self.generator) * (size - width + 1))
        return start, width


def hide(spectrograms, start, width, axis):
    """Set one stripe of each of the spectrograms (batch, frames, bands) to 0: the deterministic part of `SpecAugment`.

    `start` and `width`, tensors (batch,), are the first row or column of the stripe, and how many; `axis` 1 hides
    frames, 2 hides bands. Lesson 06.
    """
    spectrograms = ops.convert_to_tensor(spectrograms)
    start, width = (ops.cast(value, "float32")[:, None] for value in (start, width))
    position = ops.arange(ops.shape(spectrograms)[axis], dtype="float32")[None]
    keep = ops.cast(ops.logical_or(position < start, position >= start + width), spectrograms.dtype)
    return spectrograms * ops.expand_dims(keep, 3 - axis)  # (batch, frames, 1) or (batch, 1, bands)


ROUNDING = 1e-12  # in the square of the target's unit: below it, truth and prediction are equal constants


@keras.saving.register_keras_serializable("ser_helpers")
def ccc_loss(y_true, y_pred):
    """One minus the concordance correlation coefficient (CCC) of a batch, the mean over target columns: a scalar.

    Both tensors have the shape (batch,) or (batch, targets). The CCC is that of ``evaluation.ccc``: 0 is a perfect
    batch, 1 what a constant earns, 2 the worst. It is computed over the whole batch, so it takes no sample weights, and
    a batch of fewer than about 16 estimates it poorly. In a batch where it is undefined (one example, or equal
    constants), it is 1 and has no gradient. As a loss for emotion: Trigeorgis et al. (2016),
    doi:10.1109/ICASSP.2016.7472669. Lesson 09.

    >>> float(ccc_loss([[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]]))
    0.0
    >>> float(ccc_loss([[1.0], [2.0], [3.0]], [[2.0], [2.0], [2.0]]))  # a constant
    1.0
    """
    truth, predicted = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
    if len(truth.shape) != len(predicted.shape):  # (n,) and (n, 1) would give a table of (n, n)
        raise ValueError(f"The truth has the shape {tuple(truth.shape)}, and the prediction {tuple(predicted.shape)}.")
    mean_t, mean_p = ops.mean(truth, axis=0), ops.mean(predicted, axis=0)  # one per target
    t, p = truth - mean_t, predicted - mean_p
    scale = ops.mean(t * t, axis=0) + ops.mean(p * p, axis=0) + (mean_t - mean_p) ** 2
    defined = scale > ROUNDING
    # the inner where keeps 0 / 0 out of the gradient, which would be NaN even where the outer one discards it
    return 1 - ops.mean(ops.where(defined, 2 * ops.mean(t * p, axis=0) / ops.where(defined, scale, 1.0), 0.0))


@keras.saving.register_keras_serializable("ser_helpers")
class CCC(keras.metrics.Metric):
    """Concordance correlation coefficient over everything seen since the start of the epoch, the mean over targets.

    Targets have `n_targets` columns. During training the weights change from batch to batch: the value lags behind
    ``evaluation.ccc`` of the finished epoch. Lesson 09.

    >>> metric = CCC(1)
    >>> metric.update_state([[0.0], [1.0]], [[0.0], [1.0]])
    >>> metric.update_state([[2.0]], [[2.0]])
    >>> round(float(metric.result()), 3)
    1.0
    """

    def __init__(self, n_targets, name="ccc", **kwargs):
        super().__init__(name=name, **kwargs)
        self.n_targets = n_targets
        self.seen = self.add_variable((), "zeros", name="seen")
        self.sums = self.add_variable((5, n_targets), "zeros", name="sums")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add up a batch: targets and predictions, both of shape (batch, n_targets)."""
        t, p = (ops.reshape(ops.cast(y, self.dtype), (-1, self.n_targets)) for y in (y_true, y_pred))
        self.seen.assign_add(ops.cast(ops.shape(t)[0], self.dtype))
        self.sums.assign_add(ops.stack([ops.sum(values, axis=0) for values in (t, p, t * t, p * p, t * p)]))

    def result(self):
        """The CCC so far, a scalar in [-1, 1]; 0 where it is undefined."""
        t, p, tt, pp, tp = ops.unstack(self.sums / ops.maximum(self.seen, 1), 5)
        scale = tt + pp - 2 * t * p  # var(t) + var(p) + (mean(t) - mean(p))²
        defined = scale > 1e-6 * (tt + pp)
        return ops.mean(ops.where(defined, 2 * (tp - t * p) / ops.where(defined, scale, 1.0), 0.0))

    def get_config(self):
        """The settings, for saving."""
        return {**super().get_config(), "n_targets": self.n_targets}


@keras.saving.register_keras_serializable("ser_helpers")
class UAR(keras.metrics.Metric):
    """Unweighted average recall (UAR) over everything seen since the start of the epoch.

    The mean of the recalls of the classes seen, so that every emotion counts the same; one-hot targets have `n_classes`
    columns. It lags behind ``evaluation.uar`` as `CCC` does. Lesson 04.

    >>> metric = UAR(2)
    >>> metric.update_state([[1, 0], [1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    >>> float(metric.result())  # recall 1 of the first class, 0 of the second
    0.5
    """

    def __init__(self, n_classes, name="uar", **kwargs):
        super().__init__(name=name, **kwargs)
        self.n_classes = n_classes
        self.hits = self.add_variable((n_classes,), "zeros", name="hits")
        self.seen = self.add_variable((n_classes,), "zeros", name="seen")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch: one-hot targets and probabilities, both of shape (batch, n_classes)."""
        y_true = keras.ops.cast(y_true, self.dtype)
        predicted = keras.ops.one_hot(keras.ops.argmax(y_pred, axis=-1), self.n_classes, dtype=self.dtype)
        self.hits.assign_add(keras.ops.sum(y_true * predicted, axis=0))
        self.seen.assign_add(keras.ops.sum(y_true, axis=0))

    def result(self):
        """The UAR so far, a scalar in [0, 1]."""
        recalls = self.hits / keras.ops.maximum(self.seen, 1)
        present = keras.ops.cast(self.seen > 0, self.dtype)
        return keras.ops.sum(recalls) / keras.ops.maximum(keras.ops.sum(present), 1)

    def get_config(self):
        """The settings, for saving."""
        return {**super().get_config(), "n_classes": self.n_classes}
