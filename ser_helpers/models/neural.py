"""Keras networks as scikit-learn classifiers."""

import time

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted

from ser_helpers.models.fits import Checkpoint, find_checkpoint

PREDICT_BATCH = 256
STRETCH_EPOCHS = 20  # a stretch is one call of Keras's fit: short for large data, and its own overhead is small
STRETCH_NUMBERS = 4_000_000


class KerasClassifier(ClassifierMixin, BaseEstimator):
    """A Keras network that behaves like any scikit-learn classifier.

    ``keras.wrappers.SKLearnClassifier`` (Keras 3.15) forgets ``fit_kwargs`` when it is cloned, has no ``predict_proba``
    and takes tables only; cross-validation with probabilities needs all three, hence this class.

    Parameters
    ----------
    build : callable
        ``build(input_shape, n_classes)`` returns a *compiled* ``keras.Model`` that ends in ``n_classes`` probabilities
        and whose loss takes one-hot targets. `input_shape` is the shape of one example.
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
    input_shape_ : tuple
        Shape of one example; ``(None, dims)`` for sequences.
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

    def fit(self, X, y, validation_data=None):
        """Train from fresh weights on `X` of shape (n, ...) and labels `y` of shape (n,).

        `X` is a table, an array, or a Series or list of (frames, dims) arrays of different lengths, which get zero
        rows at the end. `validation_data` is a pair ``(X, y)`` that is only watched (for learning curves): it never
        steers the fit. A fit that is stopped or fails leaves the classifier unfitted. Raises ValueError when X holds
        NaN or no features, when X and y do not fit, when y holds fewer than two classes, when there is no epoch, or
        when `build` returns no compiled network.
        """
        import keras

        vars(self).pop("history_", None)
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, not {self.epochs}.")
        ragged = _ragged(X)
        X, y = _examples(X), np.asarray(y)
        if y.shape != X.shape[:1] or pd.isna(y).any():
            raise ValueError(f"y must hold one label for each of the {len(X)} examples, none missing: check its shape.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs at least two classes, and y holds only {self.classes_.tolist()}.")
        target, weights = self._one_hot(y), self._class_weights(y)
        if validation_data is not None:
            validation_data = _examples(validation_data[0]), self._one_hot(validation_data[1])
        keras.utils.set_random_seed(self.seed)
        self.input_shape_ = (None, X.shape[-1]) if ragged else X.shape[1:]
        self.model_ = self._watched(self.build(self.input_shape_, len(self.classes_)))
        if not self.model_.built:
            self.model_(keras.Input(self.input_shape_))
        checkpoint = Checkpoint(None)
        if self.cache:
            settings = (self.epochs, self.batch_size, self.seed, weights, self.classes_.tolist())
            checkpoint = find_checkpoint(self.build, self.model_, [X, target, *(validation_data or [])], settings)
        history, seconds = self._train(X, target, validation_data, weights, checkpoint)
        self.waiting_ = 1 - seconds["training"] / seconds["all"]
        self.history_ = pd.DataFrame(history).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        return self

    def _train(self, X, target, validation_data, class_weight, checkpoint):
        """The epochs that are still to do, in stretches that each start from a seed of their own.

        A fit that was stopped goes on at the end of its last whole stretch, and ends as if it had not been stopped.
        """
        from ser_helpers.models.watching import EpochSeed, TrainingBar, TrainingClock

        history, seconds = checkpoint.restore(self.model_) or ({}, {"all": 0.0, "training": 0.0})
        done = len(next(iter(history.values()), []))
        stretch = int(np.clip(STRETCH_NUMBERS / X.size, 1, STRETCH_EPOCHS))
        clock, seed = TrainingClock(), EpochSeed(self.seed)
        try:
            with TrainingBar(self.epochs, done, disable=not self.progress) as bar:
                for start in range(done, self.epochs, stretch):
                    seed.set(start)  # TensorFlow shuffles by the seed at the start of a stretch
                    begun = time.perf_counter()
                    part = self.model_.fit(
                        X,
                        target,
                        initial_epoch=start,
                        epochs=min(start + stretch, self.epochs),
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

    def predict_proba(self, X):
        """Probabilities of shape (n, n_classes), columns in the order of ``classes_``."""
        import keras

        check_is_fitted(self, "history_")
        X = _examples(X)
        if (X.ndim - 1, X.shape[-1]) != (len(self.input_shape_), self.input_shape_[-1]):  # frames may be more or fewer
            raise ValueError(
                f"An example has the shape {X.shape[1:]}, but the network was trained on {self.input_shape_}: compute"
                " the same features."
            )
        batches = (X[start : start + PREDICT_BATCH] for start in range(0, len(X), PREDICT_BATCH))
        return np.concatenate([keras.ops.convert_to_numpy(self.model_(batch, training=False)) for batch in batches])

    def predict(self, X):
        """The most probable label of each example, shape (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" not in state:
            return state
        from ser_helpers.models import AttentionPooling, SpecAugment
        from ser_helpers.models.recall import UAR

        return {"registered": (AttentionPooling, SpecAugment, UAR), **state}  # unpickled first, for the network's sake

    def __setstate__(self, state):
        super().__setstate__({name: value for name, value in state.items() if name != "registered"})

    def _watched(self, model):
        """The compiled `model` with accuracy and UAR as its metrics."""
        import keras

        from ser_helpers.models.recall import UAR

        if not isinstance(model, keras.Model) or not getattr(model, "compiled", False):
            raise ValueError("build must return a compiled keras.Model: end it with model.compile(...); return model.")
        model.compile(
            optimizer=model.optimizer,
            loss=model.loss,
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy"), UAR(len(self.classes_))],
            steps_per_execution=model.steps_per_execution,
            run_eagerly=model.run_eagerly,
            jit_compile=model.jit_compile,
        )
        return model

    def _class_weights(self, y):
        """Weight by column of the targets, or None."""
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, dict) and set(self.class_weight) != set(self.classes_.tolist()):
            raise ValueError(f"class_weight must give a weight to each of {', '.join(map(str, self.classes_))}.")
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return dict(enumerate(weights.tolist()))

    def _one_hot(self, y):
        unknown = sorted(set(np.asarray(y).tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise ValueError(f"The validation labels {unknown} do not occur in the training labels.")
        return (np.asarray(y)[:, None] == self.classes_).astype("float32")


def _ragged(X):
    """Whether `X` lists arrays of frames, whose number may differ from one to the next."""
    if isinstance(X, list):
        return len(X) > 0 and getattr(X[0], "ndim", 0) == 2
    return isinstance(X, pd.Series) or (isinstance(X, np.ndarray) and X.dtype == object)


def _examples(X):
    """Tables, lists, arrays and sequences alike as one float32 array."""
    X = _padded(X) if _ragged(X) else np.asarray(X, dtype="float32")
    if X.ndim < 2 or not len(X):
        raise ValueError(f"X needs one row of features for each example, and its shape is {X.shape}.")
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinite values: impute them, or drop these examples.")
    return X


def _padded(sequences):
    """Arrays of shape (frames, dims) as one (n, longest, dims), zero rows at the end of the shorter ones."""
    arrays = [np.asarray(sequence, dtype="float32") for sequence in sequences]
    dims = {array.shape[1:] for array in arrays}
    if len(dims) != 1 or any(array.ndim < 2 for array in arrays):
        raise ValueError(
            "Every sequence must be an array (frames, dims) of the same dims: extract one kind of feature."
        )
    padded = np.zeros((len(arrays), max(map(len, arrays)), *dims.pop()), dtype="float32")
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded
