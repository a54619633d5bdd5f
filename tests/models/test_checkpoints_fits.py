"""A fit on disk: read when it is the same, carried on when it was stopped, ignored when it is another or broken."""

import functools

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from ser_helpers import paths
from ser_helpers.models import KerasClassifier, checkpoints, keras_estimators

RATE = 0.3


def build(input_shape, n_classes, units=8):
    import keras

    layers = [keras.layers.Dense(units, "relu"), keras.layers.Dropout(RATE), keras.layers.Dense(n_classes, "softmax")]
    model = keras.Sequential([keras.Input(input_shape), *layers])
    model.compile("adam", "categorical_crossentropy")
    return model


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SER_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(keras_estimators, "STRETCH_EPOCHS", 2)


@pytest.fixture
def blobs():
    X, y = make_blobs(60, n_features=4, centers=3, random_state=0)
    return X, np.array(["sad", "angry", "calm"])[y]


@pytest.fixture
def epochs_trained(monkeypatch):
    """How many epochs Keras has trained so far; `stop_at` interrupts it like Ctrl-C."""
    import keras

    class Count:
        total, stop_at = 0, None

    original = keras.Model.fit

    def fit(self, *arguments, initial_epoch, epochs, **kw):
        if Count.stop_at is not None and epochs > Count.stop_at:
            raise KeyboardInterrupt
        Count.total += epochs - initial_epoch
        return original(self, *arguments, initial_epoch=initial_epoch, epochs=epochs, **kw)

    monkeypatch.setattr(keras.Model, "fit", fit)
    return Count


def model(**changes):
    return KerasClassifier(**{"build": build, "epochs": 6, "batch_size": 16, "cache": True} | changes)


def stored():
    return sorted((paths.cache_home() / "fits").glob("*.npz"))


def test_the_same_fit_is_read_instead_of_trained(blobs, epochs_trained):
    first = model().fit(*blobs, validation_data=blobs)
    again = model().fit(*blobs, validation_data=blobs)
    assert epochs_trained.total == 6
    assert len(stored()) == 1
    np.testing.assert_array_equal(first.predict_proba(blobs[0]), again.predict_proba(blobs[0]))
    assert again.history_.equals(first.history_)
    assert again.overhead_ == first.overhead_


def test_a_stopped_fit_goes_on_and_ends_as_if_it_had_not_been_stopped(blobs, epochs_trained):
    whole = model(cache=False).fit(*blobs)
    epochs_trained.total, epochs_trained.stop_at = 0, 4
    with pytest.raises(KeyboardInterrupt):
        model().fit(*blobs)
    assert epochs_trained.total == 4
    epochs_trained.stop_at = None
    resumed = model().fit(*blobs)
    assert epochs_trained.total == 6
    np.testing.assert_array_equal(whole.predict_proba(blobs[0]), resumed.predict_proba(blobs[0]))
    assert resumed.history_.equals(whole.history_)


def test_another_configuration_is_another_fit(blobs):
    changes = [
        {},
        {"epochs": 2},
        {"batch_size": 15},
        {"seed": 1},
        {"class_weight": "balanced"},
        {"build": functools.partial(build, units=9)},
    ]
    for number, change in enumerate(changes, start=1):
        model(**{"epochs": 1} | change).fit(*blobs)
        assert len(stored()) == number, change


def test_other_data_other_labels_and_another_constant_of_the_lesson_are_other_fits(blobs, monkeypatch):
    X, y = blobs
    short = model(epochs=1)
    short.fit(X, y)
    short.fit(X + 1e-3, y)
    short.fit(X, y[::-1])
    short.fit(X, y, validation_data=blobs)
    monkeypatch.setitem(globals(), "RATE", 0.4)
    short.fit(X, y)
    assert len(stored()) == 5


def test_what_keras_has_built_before_does_not_matter(blobs, epochs_trained):
    model(epochs=1).fit(*blobs)
    for _ in range(3):
        build((2,), 2)
    model(epochs=1).fit(*blobs)
    assert epochs_trained.total == 1


def test_the_code_of_a_loss_in_the_lesson_counts():
    import keras

    def losses(power):
        def loss(y_true, y_pred):
            return keras.ops.sum(keras.ops.abs(y_true - y_pred) ** power)

        def with_loss(input_shape, n_classes):
            network = build(input_shape, n_classes)
            network.compile("adam", loss)
            return network

        return with_loss

    assert checkpoints.code(losses(2)) == checkpoints.code(losses(2))
    assert checkpoints.code(losses(2)) != checkpoints.code(losses(3))
    assert checkpoints.code(build) != checkpoints.code(losses(2))


def test_a_network_that_is_built_by_its_first_data_is_read_too(blobs, epochs_trained):
    def without_input(input_shape, n_classes):
        import keras

        network = keras.Sequential([keras.layers.Dense(n_classes, "softmax")])
        network.compile("adam", "categorical_crossentropy")
        return network

    first, again = (model(build=without_input, epochs=2).fit(*blobs) for _ in range(2))
    assert epochs_trained.total == 2
    np.testing.assert_array_equal(first.predict_proba(blobs[0]), again.predict_proba(blobs[0]))


def test_other_initial_weights_are_another_fit(blobs):
    def starting_at(value):
        def pretrained(input_shape, n_classes):
            network = build(input_shape, n_classes)
            network.set_weights([np.full_like(weight, value) for weight in network.get_weights()])
            return network

        return pretrained

    values = iter([0.1, 0.2])
    for _ in range(2):
        model(build=lambda *sizes: starting_at(next(values))(*sizes), epochs=1).fit(*blobs)
    assert len(stored()) == 2


def test_a_network_that_cannot_be_described_is_fitted_all_the_same(blobs):
    import keras

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.01

    def scheduled(input_shape, n_classes):
        network = build(input_shape, n_classes)
        network.compile(keras.optimizers.Adam(Schedule()), "categorical_crossentropy")
        return network

    with pytest.warns(UserWarning, match="not kept: give every part of the network a get_config"):
        assert len(model(build=scheduled, epochs=1).fit(*blobs).history_) == 1
    assert stored() == []


def test_a_broken_file_counts_as_absent(blobs, epochs_trained):
    model(epochs=1).fit(*blobs)
    (file,) = stored()
    whole = file.read_bytes()
    for trained, damaged in enumerate([b"", b"not an archive", whole[:500]], start=2):
        file.write_bytes(damaged)
        model(epochs=1).fit(*blobs)
        assert epochs_trained.total == trained
    model(epochs=1).fit(*blobs)
    assert epochs_trained.total == trained


def test_a_full_disk_is_one_warning_and_the_fit_is_not_lost(blobs, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "atomic_file", full)
    with pytest.warns(UserWarning, match="not kept in .*No space left on device.*make room"):
        fitted = model(epochs=1).fit(*blobs)
    assert fitted.predict(blobs[0]).shape == (60,)


def test_without_cache_nothing_is_written(blobs):
    model(cache=False, epochs=1).fit(*blobs)
    assert stored() == []
