"""Keras networks as scikit-learn classifiers, and what they share with regressors.

Keras networks as scikit-learn regressors: valence, arousal and dominance instead of classes.

What a network is fed: tables, arrays, sequences, or several inputs at once, as arrays of numbers.

What watches a network while it trains: a clock and a progress bar.
"""

import time

import keras
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from ser_helpers import quick_mode
from ser_helpers.models.checkpoints import Checkpoint, find_checkpoint

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
        X, shape = read(X)
        inputs = parts(X)
        target, weights, identity = self._learn(np.asarray(y), len(inputs[0]))
        watched = []
        if validation_data is not None:
            validation_data = read(validation_data[0])[0], self._targets(np.asarray(validation_data[1]))
            watched = [*parts(validation_data[0]), validation_data[1]]
        keras.utils.set_random_seed(self.seed)
        self.input_shape_ = shape
        self.model_ = self._watched(self.build(shape, target.shape[1]), target.shape[1])
        checkpoint = Checkpoint(None)
        if self.cache:
            settings = (quick_mode.limited("epochs", self.epochs), self.batch_size, self.seed, weights, identity)
            checkpoint = find_checkpoint(self.build, self.model_, [*inputs, target, *watched], settings)
        history, seconds = self._train(X, target, validation_data, weights, checkpoint)
        self.overhead_ = 1 - seconds["training"] / seconds["all"]
        self.history_ = pd.DataFrame(history).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        return self

    def _train(self, X, target, validation_data, class_weight, checkpoint):
        """The epochs that are still to do, in stretches that each start from a seed of their own.

        A fit that was stopped goes on at the end of its last whole stretch, and ends as if it had not been stopped.
        """
        epochs = quick_mode.limited("epochs", self.epochs)
        history, seconds = checkpoint.restore(self.model_) or ({}, {"all": 0.0, "training": 0.0})
        done = len(next(iter(history.values()), []))
        stretch = int(np.clip(STRETCH_NUMBERS / sum(part.size for part in parts(X)), 1, STRETCH_EPOCHS))
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
        X, _ = read(X)
        check_shape(X, self.input_shape_)
        starts = range(0, len(parts(X)[0]), PREDICT_BATCH)
        batches = (rows(X, start, start + PREDICT_BATCH) for start in starts)
        return np.concatenate([keras.ops.convert_to_numpy(self.model_(batch, training=False)) for batch in batches])

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" not in state:
            return state
        from ser_helpers.models import AttentionPooling, CrossModalAttention, SpecAugment
        from ser_helpers.models.keras_layers import CCC, UAR

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
    overhead_ : float
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


def _symbols(shape):
    """Keras's symbolic inputs for examples of this shape."""
    import keras

    if isinstance(shape, dict):
        return {name: keras.Input(shape[name], name=name) for name in shape}
    return keras.Input(shape)


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
    input_shape_, model_, overhead_
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
        from ser_helpers.models.keras_layers import CCC

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


def read(X):
    """The examples of `X` as float32 arrays, and the shape of one example.

    Parameters
    ----------
    X : table, array, Series, list, or DataFrame of several inputs
        A table or array of numbers, (n, ...). A Series or list of (frames, dims) arrays of different lengths, which
        get zero rows at the end. For a network with several inputs a DataFrame, whose columns are either arrays (one
        input each: vectors of one length, or (frames, dims)) or of two levels, (input, feature).

    Returns
    -------
    arrays : ndarray (n, ...), or a dict of them by the name of the input
    shape : tuple, or a dict of them
        Of one example; ``(None, dims)`` for sequences.

    Raises
    ------
    ValueError
        If X holds NaN or no features, or arrays that do not fit together.

    Examples
    --------
    Used by ``KerasClassifier`` and ``KerasRegressor``, from Lesson 04 on.

    >>> read([[1, 2], [3, 4]])[1], read([np.ones((4, 3)), np.ones((2, 3))])[1]
    ((2,), (None, 3))
    >>> both = pd.DataFrame({"voice": [np.ones((4, 3)), np.ones((2, 3))], "text": [np.ones(5), np.zeros(5)]})
    >>> arrays, shape = read(both)
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


def parts(arrays):
    """The arrays of `read` as a list: one, or one per input in the order of their names.

    >>> len(parts({"voice": np.ones(2), "text": np.ones(2)}))
    2
    """
    return [arrays[name] for name in sorted(arrays)] if isinstance(arrays, dict) else [arrays]


def rows(arrays, start, stop):
    """Some examples of `read`'s arrays.

    >>> rows({"text": np.arange(5)}, 1, 3)["text"].tolist()
    [1, 2]
    """
    if isinstance(arrays, dict):
        return {name: array[start:stop] for name, array in arrays.items()}
    return arrays[start:stop]


def check_shape(arrays, trained_on):
    """Raise ValueError unless examples have the shape that the network was trained on; it may have other frames.

    >>> check_shape(np.ones((2, 4)), (5,))
    Traceback (most recent call last):
    ValueError: An example has the shape (4,), but the network was trained on (5,): compute the same features.
    """
    if isinstance(trained_on, dict) or isinstance(arrays, dict):
        given, wanted = (set(thing) if isinstance(thing, dict) else {"one input"} for thing in (arrays, trained_on))
        if given != wanted:
            raise ValueError(
                f"X has the inputs {', '.join(sorted(given))}, but the network was trained on"
                f" {', '.join(sorted(wanted))}: give the same."
            )
        for name, array in arrays.items():
            check_shape(array, trained_on[name])
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
        raise ValueError(f"The input {values.name!r} holds vectors of different lengths: give all the same features.")
    return np.stack(vectors)


def _one_input(X):
    ragged = _ragged(X)
    X = _padded(X) if ragged else np.asarray(X, dtype="float32")
    if X.ndim < 2 or not len(X):
        raise ValueError(f"X needs one row of features for each example, and its shape is {X.shape}.")
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinite values: impute them, or drop these examples.")
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


class EpochSeed(keras.callbacks.Callback):
    """Seeds a stretch of epochs, and on other backends than TensorFlow each epoch, whatever was done before it."""

    def __init__(self, seed):
        super().__init__()
        self._seed = seed

    def set(self, epoch):
        """Seed Python, NumPy, Keras and its backend for `epoch`."""
        keras.utils.set_random_seed(int(np.random.SeedSequence([self._seed, epoch]).generate_state(1)[0]))

    def on_epoch_begin(self, epoch, logs=None):
        """Seed this epoch; TensorFlow needs no such help within a stretch, and would lose its compiled kernels."""
        if keras.backend.backend() != "tensorflow":
            self.set(epoch)


class TrainingClock(keras.callbacks.Callback):
    """Counts the seconds spent in training steps."""

    def __init__(self):
        super().__init__()
        self._seconds = 0.0

    def on_train_batch_begin(self, batch, logs=None):
        """Start the clock."""
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Stop it."""
        self._seconds += time.perf_counter() - self._begun

    def take(self):
        """The seconds since the last call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds


class TrainingBar(keras.callbacks.Callback):
    """A bar that counts epochs and shows the loss and UAR or CCC, those of the validation data where there are some."""

    def __init__(self, epochs, done, disable):
        super().__init__()
        self._bar = tqdm(desc="training", total=epochs, initial=done, unit="epoch", leave=False, disable=disable)

    def on_epoch_end(self, epoch, logs=None):
        """Move the bar on."""
        shown = {
            name.replace("val_", "unseen "): logs[name]
            for name in ("loss", "uar", "ccc", "val_loss", "val_uar", "val_ccc")
            if name in logs
        }
        self._bar.set_postfix({name: f"{value:.2f}" for name, value in shown.items()}, refresh=False)
        self._bar.update()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()
