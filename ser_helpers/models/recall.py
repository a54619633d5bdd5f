"""Unweighted average recall as a Keras metric, for progress bars and learning curves."""

import keras


@keras.saving.register_keras_serializable("ser_helpers")
class UAR(keras.metrics.Metric):
    """Unweighted average recall (UAR) over everything seen since the start of the epoch.

    Parameters
    ----------
    n_classes : int
        Number of columns of the one-hot targets.
    name : str

    Notes
    -----
    The mean of the recalls of the classes seen, so that every emotion counts the same. During training the weights
    change from batch to batch: the value lags behind ``evaluation.uar`` of the finished epoch. Used in Lesson 04.

    Examples
    --------
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
        """What rebuilds this metric."""
        return {**super().get_config(), "n_classes": self.n_classes}
