"""Keras networks as scikit-learn classifiers, and what they share with regressors."""

import time

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from ser_helpers import quick_mode
from ser_helpers.models import examples
from ser_helpers.models.fits import Checkpoint, find_checkpoint

PREDICT_BATCH = 256
STRETCH_EPOCHS = 20  # a stretch is one call of Keras's fit: short for large data, and its own overhead is small
STRETCH_NUMBERS = 4_000_000


class KerasEstimator(BaseEstimator):
    """A Keras network that behaves like a scikit-learn estimator: what classifier and regressor share.

    A child says what its targets are (``_learn``, ``_targets``) and which metrics watch the fit (``_metrics``).

    Notes
    -----
    Used through ``KerasClassifier`` from Lesson 04 on, and ``KerasRegressor`` in Lesson 09.
    """

    def fit(self, X, y, validation_data=None):
        """Train from fresh weights on `X`, n examples, and `y`, n labels (or numbers, for a regressor).

        `X` is a table, an array, a Series or list of (frames, dims) arrays of different lengths, which get zero rows at
        the end, or a DataFrame of several inputs (see ``examples.read``). `validation_data` is a pair ``(X, y)`` that
        is only watched (for learning curves): it never steers the fit. A fit that is stopped or fails leaves the
        estimator unfitted. Raises ValueError when X holds NaN or no features, when X and y do not fit, when y holds
        fewer than two classes, when there is no epoch, or when `build` returns no compiled network.
        """
        import keras

        vars(self).pop("history_", None)
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, not {self.epochs}.")
        X, shape = examples.read(X)
        parts = examples.parts(X)
        target, weights, identity = self._learn(np.asarray(y), len(parts[0]))
        watched = []
        if validation_data is not None:
            validation_data = examples.read(validation_data[0])[0], self._targets(np.asarray(validation_data[1]))
            watched = [*examples.parts(validation_data[0]), validation_data[1]]
        keras.utils.set_random_seed(self.seed)
        self.input_shape_ = shape
        self.model_ = self._watched(self.build(shape, target.shape[1]), target.shape[1])
        checkpoint = Checkpoint(None)
        if self.cache:
            settings = (quick_mode.limited("epochs", self.epochs), self.batch_size, self.seed, weights, identity)
            checkpoint = find_checkpoint(self.build, self.model_, [*parts, target, *watched], settings)
        history, seconds = self._train(X, target, validation_data, weights, checkpoint)
        self.waiting_ = 1 - seconds["training"] / seconds["all"]
        self.history_ = pd.DataFrame(history).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        return self

    def _train(self, X, target, validation_data, class_weight, checkpoint):
        """The epochs that are still to do, in stretches that each start from a seed of their own.

        A fit that was stopped goes on at the end of its last whole stretch, and ends as if it had not been stopped.
        """
        from ser_helpers.models.watching import EpochSeed, TrainingBar, TrainingClock

        epochs = quick_mode.limited("epochs", self.epochs)
        history, seconds = checkpoint.restore(self.model_) or ({}, {"all": 0.0, "training": 0.0})
        done = len(next(iter(history.values()), []))
        stretch = int(np.clip(STRETCH_NUMBERS / sum(part.size for part in examples.parts(X)), 1, STRETCH_EPOCHS))
        clock, seed = TrainingClock(), EpochSeed(self.seed)
        try:
            with TrainingBar(epochs, done, disable=not self.progress) as bar:
                for start in range(done, epochs, stretch):
                    seed.set(start)  # TensorFlow shuffles by the seed at the start of a stretch
                    begun = time.perf_counter()
                    part = self.model_.fit(
                        X,
                        target,
                        initial_epoch=start,
                        epochs=min(start + stretch, epochs),
                        batch_size=self.batch_size,
                        class_weight=class_weight,
                        validation_data=validation_data,
                        callbacks=[seed, clock, bar],
                        verbose=0,
                    )
                    history = {name: [*history.get(name, []), *values] for name, values in part.history.items()}
                    seconds["all"] += time.perf_counter() - begun
                    seconds["training"] += clock.take()
                    checkpoint.keep(self.model_, history, seconds)
        finally:
            checkpoint.write()
        return history, seconds

    def _outputs(self, X):
        """What the network says of each example, an array of shape (n, outputs)."""
        import keras

        check_is_fitted(self, "history_")
        X, _ = examples.read(X)
        examples.check_shape(X, self.input_shape_)
        starts = range(0, len(examples.parts(X)[0]), PREDICT_BATCH)
        batches = (examples.rows(X, start, start + PREDICT_BATCH) for start in starts)
        return np.concatenate([keras.ops.convert_to_numpy(self.model_(batch, training=False)) for batch in batches])

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" not in state:
            return state
        from ser_helpers.models import AttentionPooling, CrossModalAttention, SpecAugment
        from ser_helpers.models.concordance import CCC
        from ser_helpers.models.recall import UAR

        ours = (AttentionPooling, CrossModalAttention, SpecAugment, UAR, CCC)
        return {"registered": ours, **state}  # unpickled first, for the network's sake

    def __setstate__(self, state):
        super().__setstate__({name: value for name, value in state.items() if name != "registered"})

    def _watched(self, model, n_outputs):
        """The compiled `model` with our metrics."""
        import keras

        if not isinstance(model, keras.Model) or not getattr(model, "compiled", False):
            raise ValueError("build must return a compiled keras.Model: end it with model.compile(...); return model.")
        model.compile(
            optimizer=model.optimizer,
            loss=model.loss,
            metrics=self._metrics(n_outputs),
            steps_per_execution=model.steps_per_execution,
            run_eagerly=model.run_eagerly,
            jit_compile=model.jit_compile,
        )
        if not model.built:
            model(_symbols(self.input_shape_))
        return model


class KerasClassifier(ClassifierMixin, KerasEstimator):
    """A Keras network that behaves like any scikit-learn classifier.

    ``keras.wrappers.SKLearnClassifier`` (Keras 3.15) forgets ``fit_kwargs`` when it is cloned, has no ``predict_proba``
    and takes tables only; cross-validation with probabilities needs all three, hence this class.

    Parameters
    ----------
    build : callable
        ``build(input_shape, n_classes)`` returns a *compiled* ``keras.Model`` that ends in ``n_classes`` probabilities
        and whose loss takes one-hot targets. `input_shape` is the shape of one example, or, where X is a table of
        several inputs, a dict of shapes by input: give each ``keras.Input`` its `name`.
    epochs, batch_size : int
        As in ``keras.Model.fit``.
    seed : int
        Fixes the initial weights, the order of examples and dropout: two fits give the same network.
    class_weight : None, "balanced" or dict
        How much an example of each class counts in the loss; "balanced" weighs by one over the class's frequency.
    cache : bool
        Keep the fit on disk by its configuration (network, data, settings, versions): the same fit is then read instead
        of trained, and one that was stopped, by Ctrl-C or a crash, goes on where it stopped.
    progress : bool
        Show a bar with the epoch, loss and UAR.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    input_shape_ : tuple or dict
        Shape of one example; ``(None, dims)`` for sequences; a dict of shapes for several inputs.
    model_ : keras.Model
        Its metrics are accuracy and UAR, whatever `build` compiled it with.
    history_ : DataFrame
        One row per epoch: ``loss``, ``accuracy``, ``uar`` and, when `validation_data` was given, ``val_loss``,
        ``val_accuracy``, ``val_uar``.
    waiting_ : float
        The share of the fit's time spent outside of training steps: waiting for data, watching, book-keeping.

    Notes
    -----
    Used from Lesson 04 on. Works on every Keras backend (``KERAS_BACKEND=tensorflow|torch|jax``).

    Examples
    --------
    >>> import keras
    >>> def build(input_shape, n_classes):
    ...     model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_classes, "softmax")])
    ...     model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    ...     return model
    >>> X, y = [[0.0], [1.0]] * 8, ["calm", "angry"] * 8
    >>> model = KerasClassifier(build, epochs=2, batch_size=4).fit(X, y)
    >>> model.predict_proba([[0.5]]).shape, [str(label) for label in model.classes_]
    ((1, 2), ['angry', 'calm'])
    """

    def __init__(self, build, epochs=100, batch_size=32, seed=0, class_weight=None, cache=False, progress=False):
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.seed = seed
        self.class_weight = class_weight
        self.cache = cache
        self.progress = progress

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        return self._outputs(X)

    def predict(self, X):
        """The most probable label of each example, shape (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def _learn(self, y, n):
        """Targets, class weights, and what else tells this fit from others."""
        if y.shape != (n,) or pd.isna(y).any():
            raise ValueError(f"y must hold one label for each of the {n} examples, none missing: check its shape.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs at least two classes, and y holds only {self.classes_.tolist()}.")
        return self._targets(y), self._class_weights(y), self.classes_.tolist()

    def _targets(self, y):
        """Labels as one-hot rows."""
        unknown = sorted(set(y.tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise ValueError(f"The validation labels {unknown} do not occur in the training labels.")
        return (y[:, None] == self.classes_).astype("float32")

    def _metrics(self, n_classes):
        import keras

        from ser_helpers.models.recall import UAR

        return [keras.metrics.CategoricalAccuracy(name="accuracy"), UAR(n_classes)]

    def _class_weights(self, y):
        """Weight by column of the targets, or None."""
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, dict) and set(self.class_weight) != set(self.classes_.tolist()):
            raise ValueError(f"class_weight must give a weight to each of {', '.join(map(str, self.classes_))}.")
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return dict(enumerate(weights.tolist()))


def _symbols(shape):
    """Keras's symbolic inputs for examples of this shape."""
    import keras

    if isinstance(shape, dict):
        return {name: keras.Input(shape[name], name=name) for name in shape}
    return keras.Input(shape)
