"""Keras networks as scikit-learn classifiers and regressors, and the arrays that they are fed."""

import time

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from ser_helpers import quick_mode
from ser_helpers.models import checkpoints

PREDICT_BATCH = 256  # examples at once: enough to keep the cores busy, few enough for long sequences
FIT_EPOCHS, FIT_NUMBERS = 20, 4_000_000  # most epochs, and most input numbers, of one call of Keras's fit


class KerasEstimator(BaseEstimator):
    """What `KerasClassifier` and `KerasRegressor` share.

    A subclass defines its targets (``_prepare_targets``, ``_encode``) and the metrics of the history (``_metrics``).
    """

    def fit(self, X, y, validation_data=None):
        """Train from fresh weights on n examples `X` (see `to_arrays`) and labels `y` (n,), or numbers (n, targets).

        `validation_data`, a pair (X, y), is evaluated after each epoch, for learning curves; it never influences the
        fit. Raises ValueError if X contains NaN or no features, X and y do not match, y has fewer than two classes,
        there is no epoch, or `build` returns no compiled network. A fit that fails leaves the estimator unfitted.
        """
        import keras

        vars(self).pop("history_", None)
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, not {self.epochs}.")
        arrays, self.input_shape_ = to_arrays(X)
        targets, class_weight, identity = self._prepare_targets(np.asarray(y), len(_as_list(arrays)[0]))
        data = [*_as_list(arrays), targets]
        if validation_data is not None:
            validation_data = to_arrays(validation_data[0])[0], self._encode(np.asarray(validation_data[1]))
            data += [*_as_list(validation_data[0]), validation_data[1]]
        keras.utils.set_random_seed(self.seed)
        self.model_ = self._build_network(targets.shape[1])
        path = None
        if self.cache:
            settings = quick_mode.limited("epochs", self.epochs), self.batch_size, self.seed, class_weight, identity
            path = checkpoints.find(self.model_, data, settings)
        stored = checkpoints.read(path, self.model_) if path else None
        if stored is None:
            stored = self._train(arrays, targets, class_weight, validation_data)
            if path:
                checkpoints.write(path, self.model_, stored)
        self.overhead_ = stored["overhead"]
        self.history_ = pd.DataFrame(stored["history"]).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        return self

    def _train(self, arrays, targets, class_weight, validation_data):
        """Train `model_`; returns the history and the share of the time outside of training steps."""
        import keras

        # One call of Keras's fit would do. Calls of at most 20 epochs, each with a seed of its own, train the same
        # networks, and so give the same scores, as earlier versions of the course.
        epochs = int(np.clip(FIT_NUMBERS / sum(array.size for array in _as_list(arrays)), 1, FIT_EPOCHS))
        limit = quick_mode.limited("epochs", self.epochs)
        progress, history = _Progress(limit, self.progress), {}
        started = time.perf_counter()
        with progress.bar:
            for start in range(0, limit, epochs):
                keras.utils.set_random_seed(int(np.random.SeedSequence([self.seed, start]).generate_state(1)[0]))
                part = self.model_.fit(
                    arrays,
                    targets,
                    initial_epoch=start,
                    epochs=min(start + epochs, limit),
                    batch_size=self.batch_size,
                    class_weight=class_weight,
                    validation_data=validation_data,
                    callbacks=[progress.callback()],
                    verbose=0,
                )
                history = {name: [*history.get(name, []), *values] for name, values in part.history.items()}
        return {"history": history, "overhead": 1 - progress.seconds / (time.perf_counter() - started)}

    def _outputs(self, X):
        """The network's outputs, an array of shape (n, outputs)."""
        import keras

        check_is_fitted(self, "history_")
        arrays, _ = to_arrays(X)
        _check_shape(arrays, self.input_shape_)
        outputs = []
        for start in range(0, len(_as_list(arrays)[0]), PREDICT_BATCH):
            batch = keras.tree.map_structure(lambda array, start=start: array[start : start + PREDICT_BATCH], arrays)
            outputs.append(keras.ops.convert_to_numpy(self.model_(batch, training=False)))
        return np.concatenate(outputs)

    def _build_network(self, n_outputs):
        """What `build` returns, with our metrics."""
        import keras

        model = self.build(self.input_shape_, n_outputs)
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
        if not model.built:  # a Sequential without Input makes its weights when it is first called
            model(_symbolic_inputs(self.input_shape_))
        return model

    def __getstate__(self):
        """The state for pickle, which imports our layers before it rebuilds the network that contains them."""
        if not hasattr(self, "model_"):
            return super().__getstate__()
        from ser_helpers.models.keras_layers import AttentionPooling

        return {"layers": AttentionPooling, **super().__getstate__()}

    def __setstate__(self, state):
        super().__setstate__({name: value for name, value in state.items() if name != "layers"})


class _Progress:
    """A bar over epochs with loss and UAR or CCC, also of the validation data, and the seconds in training steps."""

    def __init__(self, epochs, show):
        self.bar = tqdm(desc="training", total=epochs, unit="epoch", leave=False, disable=not show)
        self.seconds = 0.0

    def callback(self):
        """These three methods as a Keras callback."""
        import keras

        return keras.callbacks.LambdaCallback(
            on_train_batch_begin=self._begin_step, on_train_batch_end=self._end_step, on_epoch_end=self._end_epoch
        )

    def _begin_step(self, batch, logs=None):
        self._started = time.perf_counter()

    def _end_step(self, batch, logs=None):
        self.seconds += time.perf_counter() - self._started

    def _end_epoch(self, epoch, logs=None):
        metrics = [name for name in ("loss", "uar", "ccc", "val_loss", "val_uar", "val_ccc") if name in logs]
        values = {name.replace("val_", "unseen "): f"{logs[name]:.2f}" for name in metrics}
        self.bar.set_postfix(values, refresh=False)
        self.bar.update()


class KerasClassifier(ClassifierMixin, KerasEstimator):
    """A Keras network that behaves like any scikit-learn classifier.

    ``keras.wrappers.SKLearnClassifier`` (Keras 3.15) forgets ``fit_kwargs`` when it is cloned, has no ``predict_proba``
    and takes tables only; cross-validation with probabilities needs all three, hence this class. Works on every Keras
    backend (``KERAS_BACKEND=tensorflow|torch|jax``). Used from Lesson 04 on.

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
        Store the finished fit on disk (see ``checkpoints.find``): the same network, data and settings are then read
        instead of trained.
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
    overhead_ : float
        The share of the fit's time outside of training steps: loading data, validation, bookkeeping.

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

    def _prepare_targets(self, y, n):
        """One-hot targets (n, n_classes), class weights, and what the checkpoint's key needs beside them."""
        if y.shape != (n,) or pd.isna(y).any():
            raise ValueError(f"y must have one label for each of the {n} examples, none missing: check its shape.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs at least two classes, and y has only {self.classes_.tolist()}.")
        return self._encode(y), self._class_weights(y), self.classes_.tolist()

    def _encode(self, y):
        """Labels as one-hot rows (n, n_classes)."""
        unknown = sorted(set(y.tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise ValueError(f"The validation labels {unknown} do not occur in the training labels.")
        return (y[:, None] == self.classes_).astype("float32")

    def _metrics(self, n_classes):
        import keras

        from ser_helpers.models.keras_layers import UAR

        return [keras.metrics.CategoricalAccuracy(name="accuracy"), UAR(n_classes)]

    def _class_weights(self, y):
        """Weight by column of the targets, or None."""
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, dict) and set(self.class_weight) != set(self.classes_.tolist()):
            raise ValueError(f"class_weight must give a weight to each of {', '.join(map(str, self.classes_))}.")
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return dict(enumerate(weights.tolist()))


def _symbolic_inputs(shape):
    """Keras's symbolic inputs for examples of this shape, or of these shapes by name."""
    import keras

    if isinstance(shape, dict):
        return {name: keras.Input(shape[name], name=name) for name in shape}
    return keras.Input(shape)


class KerasRegressor(MultiOutputMixin, RegressorMixin, KerasEstimator):
    """A Keras network that behaves like any scikit-learn regressor, for one target or several.

    The CCC does not change when truth and prediction are moved and stretched together, so it is the same on the
    standardised and on the original scale. Works on every Keras backend. Lesson 09.

    Parameters
    ----------
    build : callable
        ``build(input_shape, n_targets)`` returns a *compiled* ``keras.Model`` that ends in ``n_targets`` linear units,
        for example ``model.compile("adam", "mse")`` or ``model.compile("adam", ccc_loss)``. A CCC loss is estimated on
        each batch: 32 examples or more. `input_shape` is as for ``KerasClassifier``.
    standardise : bool
        Train on targets brought to mean 0 and standard deviation 1 over the training set, column by column, and bring
        the predictions back. A fresh network predicts about 0. Without this it first has to learn that arousal is about
        3 on a scale from 1 to 5, and with a CCC loss it hardly gets there, because the loss is flat far from the truth.
        False for a network that ends on the targets' own scale, such as a sigmoid for targets in [0, 1].
    epochs, batch_size, seed, cache, progress
        As in ``KerasClassifier``.

    Attributes
    ----------
    target_mean_, target_scale_ : float, or ndarray of shape (n_targets,)
        What was subtracted from y and what it was divided by.
    input_shape_, model_, overhead_
        As in ``KerasClassifier``.
    history_ : DataFrame
        One row per epoch: ``loss``, in standardised units, and ``ccc``, the mean over targets; with `validation_data`
        also ``val_loss`` and ``val_ccc``.

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

    def _prepare_targets(self, y, n):
        """Targets (n, targets), no class weights, and nothing more for the checkpoint's key."""
        values = _numbers(y)
        if y.ndim not in (1, 2) or len(y) != n or 0 in y.shape:
            raise ValueError(
                f"y must have one number, or one row of them, for each of the {n} examples: check its shape."
            )
        self.target_mean_, self.target_scale_ = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
        if self.standardise:
            spread = values.std(axis=0)
            self.target_mean_, self.target_scale_ = values.mean(axis=0), np.where(spread > 0, spread, 1.0)
        return self._encode(y), None, ()

    def _encode(self, y):
        """Targets as the network learns them, (n, targets)."""
        values = _numbers(y)
        if values.shape[1:] != np.shape(self.target_mean_):
            raise ValueError(f"The validation targets have the shape {y.shape}: give the same columns as in training.")
        return ((values - self.target_mean_) / self.target_scale_).reshape(len(y), -1).astype("float32")

    def _metrics(self, n_targets):
        from ser_helpers.models.keras_layers import CCC

        return [CCC(n_targets)]

    def _build_network(self, n_outputs):
        model = super()._build_network(n_outputs)
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
        raise ValueError("y must be numbers: for words take a KerasClassifier.") from error
    if not np.isfinite(values).all():
        raise ValueError("y contains NaN or infinite values: drop these examples.")
    return values


def to_arrays(X):
    """The examples of `X` as float32 arrays, and the shape of one example. Used by both estimators.

    Raises ValueError if X contains NaN or no features, or arrays that do not fit together.

    Parameters
    ----------
    X : table, array, Series, list, or DataFrame of several inputs
        A table or array of numbers, (n, ...). A Series or list of arrays (frames, dims) of different lengths: they are
        padded to (n, longest, dims) with zero rows at the end, which a ``Masking(0.0)`` layer hides. For a network with
        several inputs a DataFrame, whose columns are either arrays (one input each: vectors of one length, or (frames,
        dims)) or of two levels, (input, feature).

    Returns
    -------
    arrays : ndarray (n, ...), or a dict of them by input
    shape : tuple, or a dict of them
        Of one example; ``(None, dims)`` for sequences.

    Examples
    --------
    >>> to_arrays([[1, 2], [3, 4]])[1], to_arrays([np.ones((4, 3)), np.ones((2, 3))])[1]
    ((2,), (None, 3))
    >>> both = pd.DataFrame({"voice": [np.ones((4, 3)), np.ones((2, 3))], "text": [np.ones(5), np.zeros(5)]})
    >>> arrays, shape = to_arrays(both)
    >>> arrays["voice"].shape, shape
    ((2, 4, 3), {'voice': (None, 3), 'text': (5,)})
    """
    columns = _inputs(X)
    if columns is None:
        return _one_input(X)
    arrays, shapes = {}, {}
    for name, values in columns.items():
        try:
            arrays[name], shapes[name] = _one_input(values)
        except ValueError as error:
            raise ValueError(f"The input {name!r}: {error}") from error
    return arrays, shapes


def _as_list(arrays):
    """The arrays of `to_arrays` in a list: one, or one per input in the order of the names."""
    return [arrays[name] for name in sorted(arrays)] if isinstance(arrays, dict) else [arrays]


def _check_shape(arrays, trained_on):
    """Raise ValueError unless examples have the shape the network was trained on; the number of frames may differ."""
    if isinstance(trained_on, dict) or isinstance(arrays, dict):
        given, wanted = (set(thing) if isinstance(thing, dict) else {"one input"} for thing in (arrays, trained_on))
        if given != wanted:
            raise ValueError(
                f"X has the inputs {', '.join(sorted(given))}, but the network was trained on"
                f" {', '.join(sorted(wanted))}: give the same."
            )
        for name, array in arrays.items():
            _check_shape(array, trained_on[name])
    elif (arrays.ndim - 1, arrays.shape[-1]) != (len(trained_on), trained_on[-1]):
        raise ValueError(
            f"An example has the shape {arrays.shape[1:]}, but the network was trained on {trained_on}: compute the"
            " same features."
        )


def _inputs(X):
    """The inputs in a DataFrame by name, or None where `X` is a single one."""
    if not isinstance(X, pd.DataFrame) or not len(X):
        return None
    if X.columns.nlevels == 2:
        return {name: X[name] for name in X.columns.unique(0)}
    if any(np.ndim(value) for value in X.iloc[0]):
        return {name: _column(X[name]) for name in X}
    return None


def _column(values):
    """A column of sequences as they are, one of vectors or numbers as a list of vectors."""
    if np.ndim(values.iloc[0]) > 1:
        return values
    vectors = [np.atleast_1d(np.asarray(value, dtype="float32")) for value in values]
    if len({vector.shape for vector in vectors}) > 1:
        raise ValueError(f"The input {values.name!r} has vectors of different lengths: give all the same features.")
    return np.stack(vectors)


def _one_input(X):
    ragged = _ragged(X)
    X = _padded(X) if ragged else np.asarray(X, dtype="float32")
    if X.ndim < 2 or not len(X):
        raise ValueError(f"X needs one row of features for each example, and its shape is {X.shape}.")
    if not np.isfinite(X).all():
        raise ValueError("X contains NaN or infinite values: impute them, or drop these examples.")
    return X, (None, *X.shape[2:]) if ragged else X.shape[1:]


def _ragged(X):
    """Whether `X` lists arrays of frames, whose number may differ from one to the next."""
    if isinstance(X, list):
        return len(X) > 0 and getattr(X[0], "ndim", 0) == 2
    return isinstance(X, pd.Series) or (isinstance(X, np.ndarray) and X.dtype == object)


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
