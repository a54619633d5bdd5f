"""The concordance correlation coefficient for training: as a loss, and as a metric for bars and curves."""

import keras
from keras import ops

ROUNDING = 1e-12  # of float32, in the square of the target's unit: below it, truth and prediction are one constant


@keras.saving.register_keras_serializable("ser_helpers")
def ccc_loss(y_true, y_pred):
    """One minus the concordance correlation coefficient (CCC) of a batch, the mean over target columns.

    The CCC is ``2 cov / (var(truth) + var(prediction) + (mean(truth) - mean(prediction))²)`` with population moments
    (divided by n), as in ``evaluation.ccc``: 0 is a perfect batch, 1 what a constant earns, 2 the worst.

    Parameters
    ----------
    y_true, y_pred : tensors of shape (batch,) or (batch, targets)

    Returns
    -------
    scalar tensor

    Notes
    -----
    It looks at the whole batch at once, so it takes no sample weights, and a batch of less than about 16 estimates it
    poorly. In a batch where it is undefined (one example, or equal constants), it is 1 and has no gradient. Lin (1989),
    doi:10.2307/2532051; as a loss for emotion: Trigeorgis et al. (2016), doi:10.1109/ICASSP.2016.7472669. Lesson 09.

    Examples
    --------
    >>> float(ccc_loss([[1.0], [2.0], [3.0]], [[1.0], [2.0], [3.0]]))
    0.0
    >>> float(ccc_loss([[1.0], [2.0], [3.0]], [[2.0], [2.0], [2.0]]))  # the mean, whatever it hears
    1.0
    """
    truth, predicted = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
    if len(truth.shape) != len(predicted.shape):  # (n,) and (n, 1) would give a table of (n, n)
        raise ValueError(f"The truth has the shape {tuple(truth.shape)}, and the prediction {tuple(predicted.shape)}.")
    mean_t, mean_p = ops.mean(truth, axis=0), ops.mean(predicted, axis=0)
    t, p = truth - mean_t, predicted - mean_p
    scale = ops.mean(t * t, axis=0) + ops.mean(p * p, axis=0) + (mean_t - mean_p) ** 2
    defined = scale > ROUNDING
    return 1 - ops.mean(ops.where(defined, 2 * ops.mean(t * p, axis=0) / ops.where(defined, scale, 1.0), 0.0))


@keras.saving.register_keras_serializable("ser_helpers")
class CCC(keras.metrics.Metric):
    """Concordance correlation coefficient over everything seen since the start of the epoch, the mean over targets.

    Parameters
    ----------
    n_targets : int
        Number of columns of the targets.
    name : str

    Notes
    -----
    During training the weights change from batch to batch: the value lags behind ``evaluation.ccc`` of the finished
    epoch. Lesson 09.

    Examples
    --------
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
        """What rebuilds this metric."""
        return {**super().get_config(), "n_targets": self.n_targets}
