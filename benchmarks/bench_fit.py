"""The classic recipe: plain Keras against KerasClassifier, and features on the fly against extract.

The fastest of three interleaved runs each. The network, batch size (4) and number of recordings are those of lesson 04,
on random numbers; a fit is ten epochs. On the fly means as many tutorials do: every pass over the data computes the
193-d vectors anew, clip by clip, with plain librosa. `extract` computes them once and then reads its cache.
"""

import os
import tempfile
import warnings
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks.timing import fastest
from ser_helpers import audio, corpora, features
from ser_helpers.models import KerasClassifier

EPOCHS, PASSES = 10, 3


def bench():
    """Seconds, and how many times faster than the line above."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1008, 193)).astype("float32"), rng.integers(0, 8, 1008)
    table = corpora.load("synthetic-small")[::16]
    plain, ours = fastest(lambda: _plain_fit(X, y), lambda: _our_fit(X, y))
    fly, extract = fastest(lambda: _on_the_fly(table), lambda: _extract(table))
    rows = [
        ("plain Keras fit", plain, 1),
        ("KerasClassifier", ours, plain / ours),
        (f"193-d on the fly, {PASSES} passes", fly, 1),
        (f"extract, 1 job, {PASSES} passes", extract, fly / extract),
    ]
    cells = [(name, f"{seconds:.2f}", f"{ratio:.1f}") for name, seconds, ratio in rows]
    return pd.DataFrame(cells, columns=["what", "seconds", "times faster"]).set_index("what")


def _network(steps_per_execution):
    import keras

    def build(input_shape, n_classes):
        model = keras.Sequential([keras.Input(input_shape)])
        for units in (386, 193, 97):
            model.add(keras.layers.Dense(units, activation="relu"))
            model.add(keras.layers.Dropout(0.2))
        model.add(keras.layers.Dense(n_classes, activation="softmax"))
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], steps_per_execution=steps_per_execution)
        return model

    return build


def _plain_fit(X, y):
    _network(1)((193,), 8).fit(X, np.eye(8)[y], epochs=EPOCHS, batch_size=4, verbose=0)


def _our_fit(X, y):
    KerasClassifier(_network(63), epochs=EPOCHS, batch_size=4).fit(X, y)


def _on_the_fly(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for _ in range(PASSES):
            for path in table["path"]:
                features.vector193_plain(audio.load(path, 22050), 22050)


def _extract(table):
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, SER_CACHE_HOME=folder):
        for _ in range(PASSES):
            features.extract(table, "vector193", jobs=1, progress=False)
