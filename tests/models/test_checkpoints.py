"""A finished fit is read when network, data and settings are the same, and trained anew when they differ."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
from sklearn.datasets import make_blobs

from ser_helpers import paths
from ser_helpers.models import AttentionPooling, KerasClassifier, KerasRegressor, checkpoints


def build(input_shape, n_classes, units=8, loss="categorical_crossentropy"):
    layers = [keras.layers.Dense(units, "relu"), keras.layers.Dropout(0.3), keras.layers.Dense(n_classes, "softmax")]
    model = keras.Sequential([keras.Input(input_shape), *layers])
    model.compile("adam", loss)
    return model


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))


@pytest.fixture
def blobs():
    X, y = make_blobs(60, n_features=4, centers=3, random_state=0)
    return X, np.array(["sad", "angry", "calm"])[y]


@pytest.fixture
def epochs_trained(monkeypatch):
    """A list with the number of epochs of each call of Keras's fit."""
    epochs, original = [], keras.Model.fit

    def fit(self, *arguments, **options):
        epochs.append(options["epochs"] - options["initial_epoch"])
        return original(self, *arguments, **options)

    monkeypatch.setattr(keras.Model, "fit", fit)
    return epochs


def model(**changes):
    return KerasClassifier(**{"build": build, "epochs": 3, "batch_size": 16, "cache": True} | changes)


def stored():
    return sorted((paths.cache_home() / "checkpoints").glob("*.npz"))


def test_the_same_fit_is_read_instead_of_trained(blobs, epochs_trained):
    first = model().fit(*blobs, validation_data=blobs)
    for _ in range(3):
        build((2,), 2)  # Keras numbers the layers of the next network otherwise
    again = model().fit(*blobs, validation_data=blobs)
    assert epochs_trained == [3]
    assert len(stored()) == 1
    np.testing.assert_array_equal(first.predict_proba(blobs[0]), again.predict_proba(blobs[0]))
    assert again.history_.equals(first.history_)
    assert again.overhead_ == first.overhead_


def test_a_network_that_keras_builds_from_its_first_data_is_read_too(blobs, epochs_trained):
    def without_input(input_shape, n_classes):
        network = keras.Sequential([keras.layers.Dense(n_classes, "softmax")])
        network.compile("adam", "categorical_crossentropy")
        return network

    first, again = (model(build=without_input).fit(*blobs) for _ in range(2))
    assert epochs_trained == [3]
    np.testing.assert_array_equal(first.predict_proba(blobs[0]), again.predict_proba(blobs[0]))


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 4},
        {"batch_size": 15},
        {"seed": 1},
        {"class_weight": "balanced"},
        {"build": functools.partial(build, units=9)},
        {"build": functools.partial(build, loss=keras.losses.CategoricalFocalCrossentropy(gamma=3))},
    ],
)
def test_another_configuration_is_another_fit(blobs, changes):
    model(epochs=1 if "epochs" not in changes else 3).fit(*blobs)
    model(**{"epochs": 1} | changes).fit(*blobs)
    assert len(stored()) == 2


def test_other_data_labels_validation_data_and_initial_weights_are_other_fits(blobs):
    def pretrained(input_shape, n_classes):
        network = build(input_shape, n_classes)
        network.set_weights([np.full_like(weight, 0.1) for weight in network.get_weights()])
        return network

    X, y = blobs
    model(epochs=1).fit(X, y)
    model(epochs=1).fit(X + 1e-3, y)
    model(epochs=1).fit(X, y[::-1])
    model(epochs=1).fit(X, y, validation_data=blobs)
    model(epochs=1, build=pretrained).fit(X, y)
    assert len(stored()) == 5


def test_a_regressor_is_stored_too(blobs):
    def regression(input_shape, n_targets):
        network = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_targets)])
        network.compile("adam", "mse")
        return network

    X, _ = blobs
    regressor = KerasRegressor(regression, epochs=1, cache=True)
    first = regressor.fit(X, X).predict(X)
    np.testing.assert_array_equal(regressor.fit(X, X).predict(X), first)
    assert len(stored()) == 1
    regressor.fit(X, X[:, ::-1])
    assert len(stored()) == 2


LESSON = """
import keras
from keras import ops

POWER = 2

def helper(error):
    return ops.sum(error ** POWER)

def loss(truth, predicted, factor=1.0):
    return factor * helper(truth - predicted)

class Base(keras.layers.Layer):
    power = 2

class Scale(Base):
    def __init__(self, **options):
        super().__init__(**options)

    def call(self, x):
        return x * self.power
"""


def lesson_code(folder, source):
    """`checkpoints.code` of the loss and the layer of a lesson, in a module of its own."""
    path = folder / f"lesson_{abs(hash(source))}.py"
    path.write_text(source)
    variables = {"__name__": "__main__", "__file__": str(path)}
    exec(compile(source, path, "exec"), variables)
    return [*checkpoints.code(variables["loss"]), *checkpoints.code(variables["Scale"])]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("POWER = 2", "POWER = 3"),
        ("ops.sum", "ops.mean"),
        ("factor *", "factor +"),
        ("factor=1.0", "factor=2.0"),
        ("    power = 2", "    power = 3"),
        ("x * self", "x + self"),
    ],
)
def test_a_change_in_the_code_of_a_lesson_is_noticed(tmp_path, old, new):
    original = lesson_code(tmp_path, LESSON)
    assert lesson_code(tmp_path, LESSON.replace("import keras\n", "import keras\n\nunrelated = 1\n", 1)) == original
    assert lesson_code(tmp_path, LESSON.replace(old, new)) != original


def test_the_loss_and_the_layer_of_a_lesson_are_part_of_the_key(blobs):
    def network(power):
        class Scale(keras.layers.Layer):
            def call(self, x):
                return x * power

        def loss(truth, predicted):
            return keras.ops.sum(keras.ops.abs(truth - predicted) ** power)

        def scaled(input_shape, n_classes):
            layers = [Scale(), keras.layers.Dense(n_classes, "softmax")]
            model = keras.Sequential([keras.Input(input_shape), *layers])
            model.compile("adam", loss)
            return model

        return scaled

    for power in (2, 2, 3):
        model(build=network(power), epochs=1).fit(*blobs)
    assert len(stored()) == 2


def test_the_code_of_our_layers_is_part_of_the_key(monkeypatch):
    asked = []
    monkeypatch.setattr(checkpoints, "version", lambda *modules: asked.append(modules) or "version")
    network = keras.Sequential([keras.Input((4, 3)), AttentionPooling(), keras.layers.Dense(2, "softmax")])
    network.compile("adam", "categorical_crossentropy")
    assert checkpoints.find(network, [], ()) is not None
    assert asked == [("ser_helpers.models.keras_estimators", "ser_helpers.models.keras_layers")]


SCRIPT = """
import keras, numpy as np
from ser_helpers.models import KerasClassifier

def build(input_shape, n_classes):
    model = keras.Sequential([keras.Input(input_shape), keras.layers.Dense(n_classes, "softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model

X, y = np.arange(40.0).reshape(10, 4), np.array(["sad", "calm"] * 5)
KerasClassifier(build, epochs=1, cache=True).fit(X, y)
"""


@pytest.mark.slow
def test_another_process_finds_the_fit():
    for _ in range(2):
        subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True)
    assert len(stored()) == 1


def test_a_network_without_source_or_configuration_is_fitted_but_not_stored(blobs):
    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.01

    def scheduled(input_shape, n_classes):
        network = build(input_shape, n_classes)
        network.compile(keras.optimizers.Adam(Schedule()), "categorical_crossentropy")
        return network

    def doubled(input_shape, n_classes):
        layers = [keras.layers.Lambda(lambda x: 2 * x), keras.layers.Dense(n_classes, "softmax")]
        network = keras.Sequential([keras.Input(input_shape), *layers])
        network.compile("adam", "categorical_crossentropy")
        return network

    variables = {"keras": keras}
    exec("def loss(truth, predicted): return keras.ops.sum(truth - predicted)", variables)
    for network in (scheduled, doubled, functools.partial(build, loss=variables["loss"])):
        with pytest.warns(UserWarning, match="not cached, because its network cannot be described"):
            assert len(model(build=network, epochs=1).fit(*blobs).history_) == 1
    assert stored() == []


@pytest.mark.parametrize("damage", [b"", b"not an archive", "half"])
def test_a_damaged_file_is_replaced(blobs, epochs_trained, damage):
    model().fit(*blobs)
    (file,) = stored()
    file.write_bytes(file.read_bytes()[:500] if damage == "half" else damage)
    model().fit(*blobs)
    assert epochs_trained == [3, 3]
    model().fit(*blobs)
    assert epochs_trained == [3, 3]


def test_a_full_disk_is_one_warning_and_the_fit_is_not_lost(blobs, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "atomic_file", full)
    with pytest.warns(UserWarning, match="not cached in .*No space left on device.*make room"):
        fitted = model().fit(*blobs)
    assert fitted.predict(blobs[0]).shape == (60,)


def test_without_cache_nothing_is_written(blobs):
    model(cache=False).fit(*blobs)
    assert stored() == []
