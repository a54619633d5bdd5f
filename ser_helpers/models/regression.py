"""Keras networks as scikit-learn regressors: valence, arousal and dominance instead of classes."""

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin

from ser_helpers.models.neural import KerasEstimator


class KerasRegressor(MultiOutputMixin, RegressorMixin, KerasEstimator):
    """A Keras network that behaves like any scikit-learn regressor, for one target or several.

    Parameters
    ----------
    build : callable
        ``build(input_shape, n_targets)`` returns a *compiled* ``keras.Model`` that ends in ``n_targets`` linear units,
        for example ``model.compile("adam", "mse")`` or ``model.compile("adam", ccc_loss)``. `input_shape` is the shape
        of one example, or, where X is a table of several inputs, a dict of shapes by input: give each ``keras.Input``
        its `name`.
    epochs, batch_size : int
        As in ``keras.Model.fit``. A CCC loss is estimated on each batch: 32 examples or more.
    seed : int
        Fixes the initial weights, the order of examples and dropout: two fits give the same network.
    standardise : bool
        Train on targets brought to mean 0 and standard deviation 1 over the training set, column by column, and bring
        the predictions back. A fresh network says about 0: without this it first has to learn that arousal is about 3
        on a scale from 1 to 5, and with a CCC loss it hardly gets there, for far from the truth the loss is flat. False
        for a network that ends on the targets' own scale, such as a sigmoid for targets in [0, 1].
    cache, progress : bool
        As in ``KerasClassifier``.

    Attributes
    ----------
    target_mean_, target_scale_ : float, or ndarray of shape (n_targets,)
        What was subtracted from y and what it was divided by.
    input_shape_, model_, waiting_
        As in ``KerasClassifier``.
    history_ : DataFrame
        One row per epoch: ``loss``, in standardised units, and ``ccc``, the mean over targets; with `validation_data`
        also ``val_loss`` and ``val_ccc``.

    Notes
    -----
    The CCC does not change when truth and prediction are moved and stretched together, so it is the same on the
    standardised and on the original scale. Used in Lesson 09. Works on every Keras backend.

    Examples
    --------
    >>> import keras
    >>> from ser_helpers.models import ccc_loss
    >>> def build(input_shape, n_targets):
    ...     model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_targets)])
    ...     model.compile(keras.optimizers.Adam(0.1), ccc_loss)
    ...     return model
    >>> X = np.linspace(-1, 1, 32)[:, None]
    >>> model = KerasRegressor(build, epochs=20).fit(X, 3 + X[:, 0])
    >>> model.predict([[1.0]]).round(1).tolist()
    [4.0]
    """

    def __init__(self, build, epochs=100, batch_size=32, seed=0, standardise=True, cache=False, progress=False):
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.seed = seed
        self.standardise = standardise
        self.cache = cache
        self.progress = progress

    def predict(self, X):
        """The targets of each example on their own scale: shape (n,), or (n, targets) where y had columns."""
        outputs = self._outputs(X).astype(float)
        values = outputs[:, 0] if np.ndim(self.target_mean_) == 0 else outputs
        return values * self.target_scale_ + self.target_mean_

    def _learn(self, y, n):
        """Targets, no class weights, and what else tells this fit from others."""
        values = _numbers(y)
        if y.ndim not in (1, 2) or len(y) != n or 0 in y.shape:
            raise ValueError(
                f"y must hold one number, or one row of them, for each of the {n} examples: check its shape."
            )
        self.target_mean_, self.target_scale_ = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
        if self.standardise:
            spread = values.std(axis=0)
            self.target_mean_, self.target_scale_ = values.mean(axis=0), np.where(spread > 0, spread, 1.0)
        return self._targets(y), None, ()

    def _targets(self, y):
        """Targets as the network learns them, (n, targets)."""
        values = _numbers(y)
        if values.shape[1:] != np.shape(self.target_mean_):
            raise ValueError(f"The validation targets have the shape {y.shape}: give the same columns as in training.")
        return ((values - self.target_mean_) / self.target_scale_).reshape(len(y), -1).astype("float32")

    def _metrics(self, n_targets):
        from ser_helpers.models.concordance import CCC

        return [CCC(n_targets)]

    def _watched(self, model, n_outputs):
        model = super()._watched(model, n_outputs)
        if tuple(model.output_shape) != (None, n_outputs):
            raise ValueError(
                f"The network ends in the shape {model.output_shape[1:]}, and y has {n_outputs} target(s) for each"
                f" example: end it with Dense({n_outputs})."
            )
        return model


def _numbers(y):
    try:
        values = y.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError("y must hold numbers: for words take a KerasClassifier.") from error
    if not np.isfinite(values).all():
        raise ValueError("y holds NaN or infinite values: drop these examples.")
    return values
