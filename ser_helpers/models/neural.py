"""Keras networks as scikit-learn classifiers."""

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

PREDICT_BATCH = 256


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
    progress : bool
        Show a bar with the epoch, loss and accuracy.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels; column ``k`` of ``predict_proba`` is the probability of ``classes_[k]``.
    input_shape_ : tuple
        Shape of one example.
    model_ : keras.Model
    history_ : DataFrame
        One row per epoch: ``loss``, ``accuracy`` and, when `validation_data` was given, ``val_loss``, ``val_accuracy``.

    Notes
    -----
    Used in lesson 04. Works on every Keras backend (``KERAS_BACKEND=tensorflow|torch|jax``).

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

    def __init__(self, build, epochs=100, batch_size=32, seed=0, progress=False):
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.seed = seed
        self.progress = progress

    def fit(self, X, y, validation_data=None):
        """Train from fresh weights on `X` of shape (n, ...) and labels `y` of shape (n,).

        `validation_data` is a pair ``(X, y)`` that is only watched (for learning curves): it never steers the fit. With
        the torch backend, watching draws random numbers, so the weights differ as they would with another seed.
        Raises ValueError when X holds NaN or no features, when X and y do not fit, or when y holds fewer than two
        classes.
        """
        import keras

        X, y = _examples(X), np.asarray(y)
        if y.shape != X.shape[:1] or pd.isna(y).any():
            raise ValueError(f"y must hold one label for each of the {len(X)} examples, none missing: check its shape.")
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs at least two classes, and y holds only {self.classes_.tolist()}.")
        keras.utils.set_random_seed(self.seed)
        self.input_shape_ = X.shape[1:]
        self.model_ = self.build(self.input_shape_, len(self.classes_))
        if validation_data is not None:
            validation_data = _examples(validation_data[0]), self._one_hot(validation_data[1])
        history = self.model_.fit(
            X,
            self._one_hot(y),
            epochs=self.epochs,
            batch_size=self.batch_size,
            validation_data=validation_data,
            callbacks=self._progress_bar(),
            verbose=0,
        )
        self.history_ = pd.DataFrame(history.history).rename_axis("epoch").rename(index=lambda epoch: epoch + 1)
        return self

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

    def _progress_bar(self):
        if not self.progress:
            return []
        with warnings.catch_warnings():  # tqdm.keras asks for ipywidgets, which a plain text bar does not need
            warnings.simplefilter("ignore")
            from tqdm.keras import TqdmCallback

        return [TqdmCallback(verbose=0, tqdm_class=tqdm, leave=False)]

    def _one_hot(self, y):
        unknown = sorted(set(np.asarray(y).tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise ValueError(f"The validation labels {unknown} do not occur in the training labels.")
        return (np.asarray(y)[:, None] == self.classes_).astype("float32")


def _examples(X):
    """Tables, lists and arrays alike as one float32 array."""
    X = np.asarray(X, dtype="float32")
    if X.ndim < 2 or not len(X):
        raise ValueError(f"X needs one row of features for each example, and its shape is {X.shape}.")
    if not np.isfinite(X).all():
        raise ValueError("X holds NaN or infinite values: impute them, or drop these examples.")
    return X
